"""What became of each cycle, moved by named transitions alone, and the one file that remembers it.

Belongs here: the record `<data_dir>/fingerprints.json`, its invariants, what it says of a cycle.
Doesn't: hashes (fingerprints.py), deciding what to do next (orchestration/stages).

A cycle's figures go through

    begin_build -> finish_build -> publish

and back: `begin_build` again, `drop` (somebody was forgotten), `release` (it had been rolled back),
`lose_warehouse`. Each is one write of the whole file, so that a crash leaves the state before it or
after it. What holds between any two of them:

- what is published was built from the very same, and is not half built;
- of a cycle that is half built nobody takes the figures: they go before another one is built;
- a cycle that was built without one that it is compared with is built again after that one.
"""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self, TypeVar

from orchestration.cycles.fingerprints import cycle_fingerprint
from orchestration.durable_files import read_json, whole_file
from orchestration.seeds.survey_cycles import read_cycles, with_ancestors
from orchestration.settings import Settings

_Held = TypeVar("_Held")


@dataclass(frozen=True)
class BorderPassed:
    """That the checks of a cycle's raw files let it through, and what they said (suite: outcomes).

    Only what passed is remembered: what was refused is looked at again.
    """

    fingerprint: str
    outcomes: Mapping[str, list[dict[str, Any]]]


@dataclass(frozen=True)
class _Record:
    """The file's content, a field a section; by cycle, hashes of what it was made from."""

    built: dict[str, str] = field(default_factory=dict)
    unfinished: dict[str, str] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)
    warehouse: dict[str, str] = field(default_factory=dict)  # hashes: `seeds` loaded, `models`
    border: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def of(cls, content: object) -> Self:
        """Return the record that a file holds; an empty one where it holds anything else."""
        if not isinstance(content, dict) or not all(
            isinstance(section, dict) for section in content.values()
        ):
            return cls()
        known = cls.__dataclass_fields__.keys() & content.keys()
        return cls(**{name: content[name] for name in known})


@dataclass(frozen=True)
class CycleStates:
    """The states of a data folder's cycles. A file that can't be read is as none: all is made anew.

    Read at each question: who holds the run lock writes, others look.
    """

    path: Path

    @property
    def built(self) -> dict[str, str]:
        """By cycle that the warehouse holds, what it was built from, or why it must be built again.

        Of one that is half built: as it was before.
        """
        return dict(self._read().built)

    @property
    def half_built(self) -> set[str]:
        """The cycles whose build was begun and not finished."""
        return set(self._read().unfinished)

    @property
    def knows_the_warehouse(self) -> bool:
        """Whether any cycle's build is remembered, begun or done: false once the file was lost."""
        record = self._read()
        return bool(record.built or record.unfinished)

    def is_published_from(self, cycle_id: str, fingerprint: str) -> bool:
        """Whether the cycle was published from just this, and nothing was begun since."""
        return self._read().published.get(cycle_id) == fingerprint

    def is_built_from(self, cycle_id: str, fingerprint: str) -> bool:
        """Whether the warehouse holds the cycle whole, built from just this."""
        record = self._read()
        return record.built.get(cycle_id) == fingerprint and cycle_id not in record.unfinished

    def has_loaded(self, seeds: str) -> bool:
        """Whether the warehouse holds the seeds of this hash, whole."""
        return self._read().warehouse.get("seeds") == seeds

    def was_made_by(self, models: str) -> bool:
        """Whether the warehouse was made by models of this hash alone."""
        return self._read().warehouse.get("models") == models

    def border_passed(self, cycle_id: str) -> BorderPassed | None:
        """Return what the border said when it let the cycle's raw files through last."""
        known = self._read().border.get(cycle_id)
        if not known:
            return None
        return BorderPassed(known.get("fingerprint", ""), known.get("outcomes", {}))

    def begin_build(self, cycle_id: str, fingerprint: str, *, seeds: str, models: str) -> None:
        """Before a cycle's first row is replaced. Seeds of another hash are loaded first.

        `models`: hash of those that make it; a warehouse of others is gone by now. Other cycles
        that are half built have been taken out of the warehouse.
        """
        record = self._read()
        others = record.unfinished.keys() - {cycle_id}
        self._write(
            replace(
                record,
                built=_without(record.built, others),
                unfinished={**record.unfinished, cycle_id: fingerprint},
                published=_without(record.published, {cycle_id, *others}),
                warehouse={
                    "models": models,
                    **({"seeds": seeds} if record.warehouse.get("seeds") == seeds else {}),
                },
            )
        )

    def finish_build(
        self, cycle_id: str, fingerprint: str, *, seeds: str, later: Collection[str]
    ) -> None:
        """After its last row. `later`: the cycles that are compared with it.

        Where the warehouse lacked it, those were built without it: their changes are missing.
        """
        record = self._read()
        unaware = set() if cycle_id in record.built else record.built.keys() & {*later}
        self._write(
            replace(
                record,
                built={
                    **record.built,
                    **dict.fromkeys(unaware, f"before {cycle_id}"),
                    cycle_id: fingerprint,
                },
                unfinished=_without(record.unfinished, {cycle_id}),
                published=_without(record.published, unaware),
                warehouse={**record.warehouse, "seeds": seeds},
            )
        )

    def publish(self, cycle_ids: Iterable[str]) -> None:
        """After the swap: these are shown as the warehouse holds them."""
        record = self._read()
        shown = {cycle_id: record.built[cycle_id] for cycle_id in cycle_ids}
        self._write(replace(record, published={**record.published, **shown}))

    def release(self, cycle_id: str) -> None:
        """After somebody let a cycle out that was rolled back: its run finds something new."""
        record = self._read()
        self._write(replace(record, published=_without(record.published, {cycle_id})))

    def drop(self, cycle_ids: Collection[str], *, why: str) -> None:
        """Before a cycle's figures are taken out of the warehouse for good reason: made again."""
        record = self._read()
        self._write(
            replace(
                record,
                built={**record.built, **dict.fromkeys(cycle_ids, f"dropped: {why}")},
                published=_without(record.published, cycle_ids),
            )
        )

    def lose_warehouse(self) -> None:
        """After the warehouse is gone: of all that was in it, nothing is known."""
        self._write(_Record(border=self._read().border))

    def pass_border(self, cycle_id: str, passed: BorderPassed) -> None:
        """After the checks of a cycle's raw files let it through."""
        record = self._read()
        self._write(replace(record, border={**record.border, cycle_id: asdict(passed)}))

    def forget_border(self, cycle_ids: Collection[str]) -> None:
        """After raw files were refused, or while what was found in them is removed."""
        record = self._read()
        if record.border.keys() & {*cycle_ids}:
            self._write(replace(record, border=_without(record.border, cycle_ids)))

    def _read(self) -> _Record:
        return _Record.of(read_json(self.path))

    def _write(self, record: _Record) -> None:
        sections = {name: section for name, section in asdict(record).items() if section}
        with whole_file(self.path) as temporary:
            temporary.write_text(json.dumps(sections, indent=1, sort_keys=True), encoding="utf-8")


def cycle_states(settings: Settings) -> CycleStates:
    """Return the states of the cycles in the settings' data folder."""
    return CycleStates(settings.data_dir / "fingerprints.json")


def outdated_ancestors(settings: Settings, cycle_id: str) -> list[str]:
    """Return the cycles, oldest first, that this one is compared with and that are out of date.

    Out of date: in the warehouse, but built from other files, seeds or code than lie here now.
    """
    states = cycle_states(settings)
    _, *ancestors = with_ancestors(read_cycles(settings.seeds_dir), cycle_id)
    return [
        ancestor
        for ancestor in reversed(ancestors)
        if ancestor in states.built
        and not states.is_built_from(ancestor, cycle_fingerprint(settings, ancestor))
    ]


def _without(section: Mapping[str, _Held], cycle_ids: Collection[str]) -> dict[str, _Held]:
    return {cycle_id: held for cycle_id, held in section.items() if cycle_id not in cycle_ids}
