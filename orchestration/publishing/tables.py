"""Which tables of the warehouse are published, and how: what each model's YAML says of itself.

Belongs here: reading `config: meta: published:` out of dbt's manifest, and what a declaration must
say. Doesn't: publishing (publication.py, which imports pandas), the queries (shown_figures.py).

A model of marts or indexes says one of

- `{nothing_to_hide: why}`: all of its rows as they are;
- `{cells: {keys: [...]}}`: rows are about a domain and a component. `keys` say where a row stands,
  every other column is a figure: NULL where shown_scores hides the cell, else rounded as the
  cell's score is. `from_shown_score: {column: SQL}` computes one anew from `cells.score`, the shown
  score, and other figures (`figures.column`): rounded by itself it would be a second figure of it.
  `hidden_rows: every` where each hidden cell has a row, whether or not anybody answered it, and
  `hidden_rows: none` where none has: a row that is there for some would tell who of a few answered.
  `cycles: both` where a figure compares a cycle with the one before; `figures:
  shown` where all are computed from a model shown_..., and are no more precise than that;
- `{rows_of: shown_...}`: the rows of that model, which hides by itself, under this one's name;
- `{stays_inside: why}`.

`in_window: true` beside it: an open cycle's rows are published too, since they tell who answered
and not what; all others wait until its window has closed (standing.py).

What says nothing is not published. Answers of persons stand behind a model that descends from the
responses read. A key of such a model that disclosure control doesn't know would divide a cell into
groups that nobody judged: it is refused, unless `no_smaller_group: {key: why}` says that the same
persons stand behind each of its values.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

LAYERS = ("marts", "indexes")
# What leads back to a person. A table with one of these is refused, whatever it says.
RESPONDENT_COLUMNS = ("response_key", "respondent_key", "respondent_identifier", "_source_row")
# By these a row speaks of everybody who answered in a cycle, ...
_OF_ALL = {"cycle_id", "weighting_mode"}
_OF_A_DOMAIN = {"cycle_id", "domain_type", "domain_id"}
# ... by these of a cell, which disclosure control judges.
_OF_A_CELL = _OF_ALL | _OF_A_DOMAIN | {"component_type", "service_id", "perspective_id", "item_id"}
_RESPONSES = "model.ilk.stg_raw__survey_responses"
_HIDES_BY_ITSELF = "shown_"
_WAYS = ("nothing_to_hide", "cells", "rows_of", "stays_inside")


@dataclass(frozen=True)
class Declaration:
    """What a model of marts or indexes says of its publication.

    `model` is its (schema, name), `rows_of` that of what holds its published rows: the same, or
    the model named.
    `cell_keys` are empty where nothing is blanked. `grain` tells rows apart.
    """

    model: tuple[str, str]
    rows_of: tuple[str, str]
    grain: tuple[str, ...]
    has_persons: bool
    """Whether answers of persons stand behind it."""
    cell_keys: tuple[str, ...] = ()
    from_shown_score: Mapping[str, str] = field(default_factory=dict)
    """By figure, the SQL that makes it of the shown score."""
    hidden_rows: str = ""
    """Which hidden cells have a row: `every`, `none`, or those that the model has."""
    is_over_two_cycles: bool = False
    is_of_shown_figures: bool = False
    is_shown_in_window: bool = False
    """Whether an open cycle's rows are published: they speak of who answered, not of ratings."""
    faults: tuple[str, ...] = ()
    """Why it can't be published as it says, each with its remedy."""

    @property
    def name(self) -> str:
        """Its name, inside and outside."""
        return self.model[1]

    @property
    def is_result(self) -> bool:
        """Whether its rows are what came of a cycle's answers.

        A dimension says what a cycle is: its row is there while the window is open, and may change
        when the cycle is final, although it tells whether anything was computed.
        """
        return self.has_persons and not self.name.startswith("dim_")

    @property
    def is_shown_with_results(self) -> bool:
        """Whether its rows wait for the window's end, and stay as they stand, as results do.

        Which domains there are is no result, but tells what groups answered.
        """
        return self.is_result or (self.has_persons and {*self.grain} >= _OF_A_DOMAIN)


def declarations(manifest: Mapping[str, Any]) -> dict[str, Declaration]:
    """Return the models that say that they are published, by name, out of dbt's manifest."""
    models = _public_models(manifest)
    known = grains(manifest)
    return {
        model["name"]: _declaration(model, said, known.get(key, ()), manifest)
        for key, model in models.items()
        if (said := _said(model)) is not None and "stays_inside" not in said
    }


def read_declarations(manifest: Path) -> dict[str, Declaration]:
    """Return the same out of a manifest.json."""
    return declarations(json.loads(manifest.read_text(encoding="utf-8")))


def undeclared(manifest: Mapping[str, Any]) -> list[str]:
    """Return the models of marts and indexes that don't say whether they are published."""
    models = _public_models(manifest).values()
    return sorted(model["name"] for model in models if _said(model) is None)


def _public_models(manifest: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {
        key: node
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["schema"] in LAYERS
    }


def _said(model: Mapping[str, Any]) -> Mapping[str, Any] | None:
    said: Mapping[str, Any] | None = model["config"]["meta"].get("published")
    return said


def grains(manifest: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """Return by model the keys that its YAML says tell its rows apart, `config: unique_key:`."""
    return {
        key: tuple(node["config"]["unique_key"])
        for key, node in manifest["nodes"].items()
        if node["resource_type"] == "model" and node["config"].get("unique_key")
    }


def _declaration(
    model: Mapping[str, Any],
    said: Mapping[str, Any],
    grain: tuple[str, ...],
    manifest: Mapping[str, Any],
) -> Declaration:
    cells = said.get("cells") or {}
    source = _model_named(manifest, str(said["rows_of"])) if "rows_of" in said else model
    declaration = Declaration(
        model=(model["schema"], model["name"]),
        rows_of=(source["schema"], source["name"]) if source else (model["schema"], ""),
        grain=grain,
        has_persons=_descends_from_responses(model["unique_id"], manifest),
        cell_keys=tuple(cells.get("keys", ())),
        from_shown_score=cells.get("from_shown_score", {}),
        hidden_rows=cells.get("hidden_rows", ""),
        is_over_two_cycles=cells.get("cycles") == "both",
        is_of_shown_figures=cells.get("figures") == "shown",
        is_shown_in_window=said.get("in_window") is True,
    )
    faults = _faults(declaration, said, columns=(source or model)["columns"])
    parents = manifest["parent_map"][model["unique_id"]]
    if declaration.is_of_shown_figures and not any(_HIDES_BY_ITSELF in name for name in parents):
        faults.append(
            f"figures: shown, and it reads no model {_HIDES_BY_ITSELF}...: leave it out, and its "
            "figures are rounded as they leave"
        )
    return replace(declaration, faults=tuple(faults))


def _model_named(manifest: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = manifest["nodes"].get(f"model.ilk.{name}")
    return found


def _descends_from_responses(unique_id: str, manifest: Mapping[str, Any]) -> bool:
    parents: Mapping[str, list[str]] = manifest["parent_map"]
    waiting, met = [unique_id], set()
    while waiting:
        one = waiting.pop()
        if one not in met:
            met.add(one)
            waiting += parents.get(one, [])
    return _RESPONSES in met


def _faults(
    declared: Declaration, said: Mapping[str, Any], *, columns: Mapping[str, Any]
) -> list[str]:
    faults = []
    ways = [way for way in _WAYS if way in said]
    if len(ways) != 1 or said.keys() - {*_WAYS, "no_smaller_group", "in_window"}:
        faults.append(f"published: says {', '.join(said)}: say one of {', '.join(_WAYS)}")
    if "rows_of" in said and not declared.rows_of[1].startswith(_HIDES_BY_ITSELF):
        faults.append(
            f"rows_of: {said['rows_of']} is no model {_HIDES_BY_ITSELF}..., whose rows can be shown"
        )
    personal = [column for column in columns if column.lower() in RESPONDENT_COLUMNS]
    if personal:
        faults.append(
            f"has {', '.join(personal)}, which lead to a respondent: drop the column, or say "
            "published: {stays_inside: why}"
        )
    keys = {*declared.cell_keys}
    if "cells" in said and (lacking := _OF_A_DOMAIN - keys or keys - {*columns}):
        faults.append(
            f"cells: keys and columns must both have {', '.join(sorted(lacking))}, by which hidden "
            "figures are found"
        )
    if not declared.has_persons or "rows_of" in said:
        return faults
    if not declared.grain:
        faults.append("nothing tells its rows apart: give it a unique_key")
    known = _OF_A_CELL if "cells" in said else _OF_ALL
    explained = said.get("no_smaller_group") or {}
    if unknown := [key for key in declared.grain if key not in {*known, *explained}]:
        faults.append(
            f"has rows by {', '.join(unknown)}, and disclosure control doesn't know who stands "
            "behind them: say cells where they are of domains, take the rows of a model that hides "
            "them (rows_of), or say under no_smaller_group why no key divides the persons behind it"
        )
    return faults
