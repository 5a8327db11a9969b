"""Which rows of the seeds a cycle reads: what has changed for it, and what for others alone.

Belongs here: the one declaration of how a seed's rows name the cycles that read them, and the hash
over those of one cycle. Doesn't: the rest of a fingerprint (cycles/fingerprints.py), reading a
seed (seed_tables.py).

A seed that is not declared counts whole for every cycle, and so does one that can't be read or
lacks a column of its declaration: a cycle too many is computed again, never one too few.
tests/test_fingerprints.py goes through all seeds and columns, and computes a cycle again after
everything that it is said not to read was changed.
"""

import hashlib
import json
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from orchestration.seeds.seed_expansion import STATES
from orchestration.seeds.seed_tables import SeedFileError, read_seed

# The columns that say which cycles read a row: those whose own cycle_id, index_id, ... stands there
# (`_names` tells where each is from). A seed that isn't here, such as roles, is read by all cycles.
READ_BY = {
    "survey_cycles": ("cycle_id",),
    "survey_sources": ("cycle_id",),
    "follow_ups": ("cycle_id",),
    "verifications": ("cycle_id",),
    "indexes": ("index_id",),
    "services": ("index_id",),
    "perspectives": ("index_id",),
    "targets": ("index_id", "year"),
    "questions": ("instrument_id",),
    "methods": ("method_id",),
    "method_parameters": ("method_id",),
    "index_weights": ("method_id",),
    "response_rules": ("method_id",),
    "band_schemes": ("band_scheme_id",),
    "export_profiles": ("profile_id",),
    "export_columns": ("profile_id",),
    "export_codes": ("profile_id",),
    "demographics": ("demographic_id",),
}
# Of these a cycle reads the rows whose days (first, last) hold the one that it opens on. When such
# a row ends is none of its concern: a unit that moves in 2026 changes no figure of 2025.
READ_ON = {"units": ("valid_from", "valid_to")}
# Read for a cycle's own tables; no later cycle's comparison asks for them.
READ_BY_ITS_OWN_CYCLE = ("follow_ups", "targets", "verifications")
# Words for forms, addresses of digests: one that is filled in makes no cycle anew.
READ_BY_NONE = ("region_contacts", "statistical_activity")
_QUESTION = ("question",)  # a target_kind
# A profile may serve several instruments: of a question it tells those cycles that ask it.
READ_BY_QUESTION = {"export_columns": "target", "export_codes": "target"}


@dataclass(frozen=True)
class _Read:
    """What a cycle's rows are told by: the day it opens, and its values of READ_BY's columns.

    `not_asked`: questions of other instruments alone, or of none.
    """

    opens_on: str
    names: dict[str, set[str]] = field(default_factory=dict)
    not_asked: frozenset[str] = frozenset()


def hash_of_rows_read(
    seeds_dir: Path,
    cycle_ids: Iterable[str],
    *,
    profile_ids: Collection[str],
    whole: Collection[str] = (),
) -> str:
    """Return the sha256 of what the first of these cycles reads of the seeds.

    The others are those that it is compared with. `profile_ids`: of the files that lie here, beside
    those of survey_sources. `whole`: seeds that are read whole, whatever their declaration.
    """
    chain = [_read_by(seeds_dir, cycle_id, profile_ids) for cycle_id in cycle_ids]
    passed_over = {*READ_BY_NONE, *_spelled_out(seeds_dir)}
    digest = hashlib.sha256()
    for path in sorted(seeds_dir.glob("*.csv")):
        if path.stem in passed_over:
            continue
        readers = chain[:1] if path.stem in READ_BY_ITS_OWN_CYCLE else chain
        declared = path.stem not in whole
        digest.update(f"{path.stem}\0{_rows_text(path, readers, declared=declared)}\0".encode())
    return digest.hexdigest()


def _spelled_out(seeds_dir: Path) -> Iterator[str]:
    """Return the seeds whose rows stand among those of the seed that names them."""
    for seed, stating in STATES.items():
        with suppress(SeedFileError):
            read_seed(seeds_dir / f"{seed}.csv")
            yield stating


def _rows_text(path: Path, readers: list[_Read], *, declared: bool) -> str:
    try:
        table = read_seed(path)
    except SeedFileError:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    by, days = READ_BY.get(path.stem, ()), READ_ON.get(path.stem, ())
    if not (declared and (by or days) and {*by, *days} <= {*table.header}):
        by, days = (), ()
    of_question = READ_BY_QUESTION.get(path.stem, "")
    said = []
    for row in table.records():
        read_for = [
            place
            for place, reader in enumerate(readers)
            if _names_it(row, by, reader)
            and _stands(row, days, reader)
            and not (declared and row.get(of_question, "") in reader.not_asked)
        ]
        if read_for:
            # An optional column that is empty means what it means where it is left out.
            filled = {name: cell for name, cell in row.items() if cell.strip()}
            if days:
                filled.pop(days[1], None)
            said.append((read_for, filled))
    return json.dumps(said, sort_keys=True)


def _names_it(row: dict[str, str], columns: Iterable[str], reader: _Read) -> bool:
    return all(
        column not in reader.names or _alike(row[column]) in reader.names[column]
        for column in columns
    )


def _stands(row: dict[str, str], days: tuple[str, ...], reader: _Read) -> bool:
    """Whether a row's days hold the one that the cycle opens on, as far as they are dates."""
    if not days:
        return True
    first, last = (_day(row[column]) for column in days)
    on = _day(reader.opens_on)
    return on is None or ((first is None or first <= on) and (last is None or on <= last))


def _read_by(seeds_dir: Path, cycle_id: str, profile_ids: Collection[str]) -> _Read:
    """Return what tells the rows that a cycle reads; a name that can't be told tells all rows."""
    cycle = next(_rows(seeds_dir, "survey_cycles", "cycle_id", {cycle_id}), {})
    names = {
        column: {_alike(cycle[column])}
        for column in ("cycle_id", "index_id", "year", "instrument_id", "method_id")
        if cycle.get(column)
    }
    methods = _rows(seeds_dir, "methods", "method_id", names.get("method_id", ()))
    if schemes := {_alike(row["band_scheme_id"]) for row in methods if "band_scheme_id" in row}:
        names["band_scheme_id"] = schemes
    sources = _rows(seeds_dir, "survey_sources", "cycle_id", {cycle_id})
    named = {row["profile_id"] for row in sources if "profile_id" in row}
    names["profile_id"] = {_alike(name) for name in {*named, *profile_ids}}
    mapped = [
        row
        for row in _rows(seeds_dir, "export_columns", "profile_id", names["profile_id"])
        if row.get("target_kind") == "attribute"
    ]
    if mapped:  # what no file of the cycle tells divides nobody there
        names["demographic_id"] = {_alike(row.get("target", "")) for row in mapped}
    asked: set[str] = set()
    others: set[str] = set()
    for row in _rows(seeds_dir, "questions"):
        mine = _alike(row.get("instrument_id", "")) in names.get("instrument_id", ())
        (asked if mine else others).add(row.get("question_id", ""))
    others |= {
        row.get("target", "")
        for row in _rows(seeds_dir, "export_columns", "target_kind", _QUESTION)
    }
    return _Read(cycle.get("opens_on", ""), names, frozenset(others - asked if asked else ()))


def _rows(
    seeds_dir: Path, seed: str, column: str = "", values: Collection[str] = ("",)
) -> Iterator[dict[str, str]]:
    try:
        rows = read_seed(seeds_dir / f"{seed}.csv").records()
    except SeedFileError:  # told by the check of the seeds; here no name is known
        return
    yield from (row for row in rows if _alike(row.get(column, "")) in values)


def _alike(cell: str) -> str:
    """Return a cell as DuckDB compares it: 2025 is 2025.0 in a column of whole numbers."""
    text = cell.strip()
    return str(int(number[1])) if (number := re.fullmatch(r"(\d+)(?:\.0*)?", text)) else text


def _day(cell: str) -> date | None:
    try:
        return date.fromisoformat(cell.strip())
    except ValueError:
        return None
