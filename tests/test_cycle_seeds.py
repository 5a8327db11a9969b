"""Which rows of the seeds a cycle reads (seeds/rows_of_a_cycle.py): all that moves it, no more.

Belongs here: every seed and column, changed in a row of ours and in a row of others; a cycle that
is computed again among others' rows. Doesn't: what else a fingerprint takes in
(test_fingerprints.py).
"""

import csv
from pathlib import Path

import pytest

from orchestration.cycles import fingerprints
from orchestration.cycles.fingerprints import border_fingerprint, cycle_fingerprint
from orchestration.cycles.state import cycle_states
from orchestration.seeds.rows_of_a_cycle import READ_BY, READ_ON
from orchestration.seeds.seed_tables import declared_seeds
from orchestration.settings import Settings
from tests.small_cycle import HEADER, KEY, SmallCycle, row

FIRST, LAST, OTHER = "c1", "c2", "c3"  # LAST is compared with FIRST
SCALE = "pelayanan,persyaratan,masyarakat,unit,1,4,false"
# Rows of FIRST and LAST, beside those that SmallCycle has.
OURS = {
    "index_weights": ["skm-1.0,item,u1,0.5", "skm-1.0,item,u2,0.5"],
    "method_parameters": ["skm-1.0,min_answered_share,0.5"],
    "targets": ["skm,2025,unit,3.1"],
    "follow_ups": [f"{LAST},A,persyaratan,Loket baru,Bagian Umum,2026-03-01,planned"],
    "verifications": [f"V-1,{LAST},A,pelayanan,document,3,,,2025-12-01,"],
    "code_lists": ["ours,R,penerima"],
    "export_columns": ["p,JK,attribute,gender"],
}
# A cycle of another questionnaire, method, year and another state of the units; of our profile and
# one more. It scores what ours have too, otherwise; its questionnaire builds on ours, is longer and
# comes before it.
OTHERS = {
    "survey_cycles": [f"{OTHER},skm,a,a-1.0,2026,1,2026-01-01,2026-01-31,,closed"],
    "survey_sources": [f"{OTHER},q,landing,{OTHER}/q/*", f"{OTHER},p,landing,{OTHER}/p/*"],
    "follow_ups": [f"{OTHER},A,persyaratan,Formulir baru,Bagian Umum,2026-06-01,planned"],
    "verifications": [f"V-2,{OTHER},A,pelayanan,document,2,,,2026-03-01,"],
    "indexes": ["another,Lain,Another,4"],
    "services": ["another,pelayanan,Layanan lain,Another service,1"],
    "perspectives": ["another,persyaratan,Syarat lain,Another requirement,9"],
    "targets": ["skm,2026,unit,2.5"],
    "instruments": ["a,i"],
    "questions": [f"a,U0,u0,{SCALE},U0", "a,U2,,,,,,,,true,"],
    "code_lists": ["theirs,R,penerima"],
    "demographics": ["religion,Agama,Religion,9"],
    "methods": ["a-1.0,none,a-bands,Another method"],
    "method_parameters": ["a-1.0,min_answered_share,0.1", "a-1.0,min_cell_n,1"],
    "index_weights": ["a-1.0,item,u0,0.3", "a-1.0,item,u1,0.7", "a-1.0,item,u2,1"],
    "response_rules": ["a-1.0,straight_lining,reject"],
    "band_schemes": [
        "a-bands,A,Lulus,Passed,50.00,100.00",
        "a-bands,B,Tidak lulus,Failed,25.00,49.99",
    ],
    "export_profiles": ["q,a,plain,Asia/Jayapura,,mdy,,"],
    "export_columns": [
        "q,id,attribute,response_id",
        "q,Waktu,attribute,submitted_at",
        "q,NIP,attribute,respondent_identifier",
        "q,Unit,attribute,unit_id",
        "q,Q1,question,U1",
        "q,Q2,question,U2",
        "q,Q3,question,U0",
        "q,JK,ignore,",
        "q,Agama,attribute,religion",
        "p,Q3,question,U0",
    ],
    "export_codes": ["q,unit_id,Kantor A,B", "q,*,4,1", "q,*,3,2"],
    "units": ["A,Unit A baru,unit,lain,indonesia,,2025-12-01,"],
}
MOVED = {"date": "2025-10-15", "integer": "7", "double": "0.125"}  # by a column's declared type


def write(path: Path, records: list[dict[str, str]]) -> None:
    columns = list(dict.fromkeys(column for record in records for column in record))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(records)


class Survey:
    """The seeds of ours and others; `is_other` tells whose a row is, by who wrote it."""

    def __init__(self, folder: Path) -> None:
        self.small = SmallCycle(folder)
        self.ours: dict[str, list[dict[str, str]]] = {}
        for seed in declared_seeds():
            if not (path := self.small.seeds / f"{seed}.csv").is_file():
                self.small.seed(seed, ",".join(declared_seeds()[seed]))
            lines = path.read_text(encoding="utf-8").splitlines()
            self.ours[seed] = list(csv.DictReader([*lines, *OURS.get(seed, [])]))
        self.ours["survey_cycles"][1]["previous_cycle_id"] = FIRST
        self.ours["units"][0]["valid_to"] = "2025-11-30"  # then it is another's
        self.others = {
            seed: list(csv.DictReader([self._header(seed), *OTHERS.get(seed, [])]))
            for seed in self.ours
        }
        for profile, codes in {"p": self.ours, "q": self.others}.items():
            name = "ours" if profile == "p" else "theirs"
            codes["export_codes"].append(
                {"profile_id": profile, "target": "role_id", "code_list_id": name}
            )
        self.settings = Settings(
            data_dir=self.small.data, seeds_dir=self.small.seeds, pseudonym_key=KEY
        )

    def _header(self, seed: str) -> str:
        return (self.small.seeds / f"{seed}.csv").read_text(encoding="utf-8").splitlines()[0]

    def save(self, *seeds: str, others: bool = True) -> None:
        for seed in seeds or self.ours:
            records = [*self.ours[seed], *(self.others[seed] if others else [])]
            if records:
                write(self.small.seeds / f"{seed}.csv", records)

    def of(self, cycle_id: str) -> tuple[str, str]:
        return cycle_fingerprint(self.settings, cycle_id), border_fingerprint(
            self.settings, cycle_id
        )

    def run(self, *cycles: str) -> str:
        ran = self.small.run(*cycles, environment={"ILK_PAGES": "false"})
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    def outdated_by(self, seed: str, record: dict[str, str], column: str, cell: str) -> set[str]:
        """Return the cycles whose figures' fingerprint a cell moves; it is put back."""
        before = {cycle: cycle_fingerprint(self.settings, cycle) for cycle in (FIRST, LAST, OTHER)}
        old = dict(record)
        record[column] = cell
        self.save(seed)
        after = {cycle: cycle_fingerprint(self.settings, cycle) for cycle in before}
        record.clear()
        record.update(old)
        self.save(seed)
        return {cycle for cycle in before if before[cycle] != after[cycle]}


@pytest.fixture
def survey(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Survey:
    monkeypatch.setattr(fingerprints, "code_hash", lambda: "the code")
    found = Survey(tmp_path)
    found.save()
    return found


# A row of these is one cycle's.
OWN = ("survey_cycles", "survey_sources", "follow_ups", "verifications")
OF_THE_INDEX = ("indexes", "services", "perspectives")
# What the other cycle reads too: its instrument builds on ours, and our profile serves it.
SHARED = (
    "questions", "export_profiles", "export_columns", "export_codes", "code_lists", "demographics",
)  # fmt: skip


def a_row_of_ours(seed: str) -> int:
    """The place of a row that LAST reads: its own one, where cycles have one each."""
    return 1 if seed in ("survey_cycles", "survey_sources") else 0


def readers_of(seed: str) -> tuple[set[str], set[str]]:
    """Who reads our row of a seed, and who those of others, as this file has written them."""
    if seed == "statistical_activity":
        return set(), set()
    if seed in OWN:
        return {LAST}, {OTHER}
    if seed in OF_THE_INDEX:
        return {FIRST, LAST, OTHER}, set()
    if seed not in OTHERS or seed in SHARED:
        return {FIRST, LAST, OTHER}, {OTHER}
    return {FIRST, LAST}, {OTHER}


@pytest.mark.parametrize("seed", sorted(declared_seeds()))
def test_a_cell_makes_those_cycles_outdated_that_read_its_row(survey: Survey, seed: str):
    ours, others = readers_of(seed)
    found, expected = {}, {}
    for column, kind in declared_seeds()[seed].items():
        moved = "false" if column == "is_asked" else MOVED.get(kind, "other")
        if survey.ours[seed]:
            record = survey.ours[seed][a_row_of_ours(seed)]
            expected["ours", column] = ours
            found["ours", column] = survey.outdated_by(seed, record, column, moved)
        for place, record in enumerate(survey.others[seed]):
            expected[place, column] = others
            found[place, column] = survey.outdated_by(seed, record, column, moved)
    if seed == "units":  # days: what matters of them is which cycles' openings they hold
        expected["ours", "valid_to"] = {LAST}
        expected[0, "valid_from"] = {LAST, OTHER}
    if seed == "export_codes":  # where a list is named, these say nothing
        listed = len(survey.others[seed]) - 1
        expected |= {(listed, column): set() for column in ("source_value", "code")}
    assert found == expected


@pytest.mark.parametrize("seed", sorted({*READ_BY, *READ_ON}))
def test_a_row_that_comes_or_goes_makes_its_own_cycles_outdated(survey: Survey, seed: str):
    before = {cycle: survey.of(cycle) for cycle in (FIRST, LAST)}
    gone = survey.others[seed]
    survey.others[seed] = []
    survey.save(seed)
    of_border = 1 if seed == "units" else 2  # the border knows all units, whenever they stand
    assert {cycle: survey.of(cycle)[:of_border] for cycle in before} == {
        cycle: of[:of_border] for cycle, of in before.items()
    }
    survey.others[seed] = gone
    place = a_row_of_ours(seed)
    del survey.ours[seed][place]
    survey.save(seed)
    assert survey.of(LAST) != before[LAST]


def test_how_a_spreadsheet_saves_a_seed_makes_no_cycle_outdated(survey: Survey):
    before = survey.of(LAST)
    for seed in survey.ours:
        path = survey.small.seeds / f"{seed}.csv"
        rows = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=";").writerows([*rows, [""] * len(rows[0])])
    assert survey.of(LAST) == before


def test_a_seed_that_cannot_be_read_or_is_not_declared_counts_whole(survey: Survey):
    before = survey.of(LAST)
    extra = survey.small.seeds / "notes.csv"
    extra.write_text("cycle_id,note\nc3,x\n", encoding="utf-8")
    with_notes = survey.of(LAST)
    targets = survey.small.seeds / "targets.csv"
    targets.write_bytes(targets.read_bytes() + b"skm,2031,\xff,3\n")
    unread = survey.of(LAST)
    targets.write_bytes(targets.read_bytes() + b"skm,2032,\xff,3\n")
    assert len({before, with_notes, unread, survey.of(LAST)}) == 4


def test_a_cycle_reads_what_the_one_before_it_was_made_from_and_not_what_followed(survey: Survey):
    survey.ours["follow_ups"].append(dict(survey.ours["follow_ups"][0], cycle_id=FIRST))
    survey.save("follow_ups")
    survey.ours["verifications"].append(dict(survey.ours["verifications"][0], cycle_id=FIRST))
    survey.save("verifications")
    for seed, column, readers in (
        ("survey_cycles", "status", {FIRST, LAST}),
        ("follow_ups", "status", {FIRST}),
        ("verifications", "score", {FIRST}),
    ):
        record = next(of for of in survey.ours[seed] if of["cycle_id"] == FIRST)
        assert survey.outdated_by(seed, record, column, "2") == readers, seed


def test_no_row_of_others_moves_a_figure_and_theirs_are_published(tmp_path: Path):
    survey = Survey(tmp_path)
    survey.ours["units"][0]["valid_to"] = ""
    survey.save(others=False)
    answers = [row(number, unit="AB"[number % 2], nip=f"n{number}") + ",L" for number in range(12)]
    header = f"{HEADER},JK"
    survey.small.drop("c1/p/a.csv", answers, header=header)
    survey.small.drop("c2/p/a.csv", [line.replace("2025-10", "2025-11") for line in answers],
                      header=header)  # fmt: skip
    survey.run(FIRST, LAST)
    alone, states = rows_of_ours(survey), cycle_states(survey.settings)
    built = states.built
    assert len(alone) > 20
    assert set(built) == {FIRST, LAST}

    survey.ours["units"][0]["valid_to"] = "2025-11-30"
    survey.save()
    survey.small.drop(
        f"{OTHER}/q/a.csv",
        [f"{line},2,x".replace("2025-10-02", "01/02/2026") for line in answers],
        header=f"{HEADER},JK,Q3,Agama",
    )
    survey.small.drop(
        f"{OTHER}/p/a.csv",
        [f"{row(number, unit='B', nip=f'm{number}')},L,2".replace("2025-10", "2026-01")
         for number in range(12)],
        header=f"{HEADER},JK,Q3",
    )  # fmt: skip
    survey.run(OTHER)
    assert all(states.is_published_from(cycle, of) for cycle, of in built.items())
    assert {cycle: cycle_fingerprint(survey.settings, cycle) for cycle in built} == built
    for beside, count in {
        "idx_targets where cycle_id = 'c3' and target_score = 2.5": 1,
        "dim_bands where band_scheme_id = 'a-bands'": 2,
        "dim_cycles where cycle_id = 'c3'": 1,
        "dim_questions where instrument_id = 'a'": 3,
        "audit_reconciliation where cycle_id = 'c3' and answers_read = 36": 2,
        "audit_schema_drift": 0,
        "dim_units where unit_name = 'Unit A baru'": 1,
        "dim_units where unit_name = 'Unit A' and valid_to = date '2025-11-30'": 1,
        "fct_follow_ups where cycle_id = 'c3'": 1,
        "dim_services where index_id = 'another'": 1,
    }.items():
        assert survey.small.published(f"select count(*) from {beside}") == [(count,)], beside
    assert rows_of_ours(survey) == alone

    # Computed again among the rows of others: none of them moves a figure of ours.
    for cycle in (FIRST, LAST):
        states.release(cycle)
    assert "menghitung" in survey.run(FIRST, LAST)
    assert states.built[LAST] == built[LAST]
    assert rows_of_ours(survey) == alone


def rows_of_ours(survey: Survey) -> dict[str, list[tuple[object, ...]]]:
    """What is published of our cycles, by table; not of the runs, which tell of all seeds."""
    tables = survey.small.published(
        "select table_name from information_schema.columns"
        " where column_name = 'cycle_id' and table_name not in ('audit_runs')"
    )
    return {
        table: survey.small.published(
            f"select * from {table} where cycle_id in ('{FIRST}', '{LAST}') order by all"
        )
        for (table,) in tables
    }
