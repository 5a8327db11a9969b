"""What seeds state once (orchestration/seed_expansion.py): lists, bases, and what they save.

Belongs here: the rows that readers get, and how many a new version of an instrument costs. Doesn't:
what contradicts itself (test_seed_contradictions.py), which cycles read a row (test_cycle_seeds.py,
which also runs a cycle of an instrument that builds on another).
"""

import csv
import shutil
from pathlib import Path

from expectations.seeds import contradictions
from orchestration.cycles.fingerprints import border_fingerprint, cycle_fingerprint
from orchestration.seeds.seed_tables import read_seed, seed_records
from orchestration.settings import Settings
from tests.conftest import SAMPLE_SEEDS

CYCLES = ("ilk-2025-s1", "ilk-2025-s2")


def write(path: Path, *lines: str) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def test_a_list_stands_for_its_rows_in_the_place_where_it_is_named(tmp_path):
    write(tmp_path / "code_lists.csv", "code_list_id,source_value,code", "l,Baik,4", "l,Buruk,1")
    write(
        tmp_path / "export_codes.csv",
        "profile_id,target,source_value,code,code_list_id",
        "p,gender,M,L,",
        "p,*,,,l",
        "q,U1,,,l",
        "q,U2,,,unknown",
    )
    table = read_seed(tmp_path / "export_codes.csv")
    assert table.as_csv().splitlines() == [
        "profile_id,target,source_value,code",
        "p,gender,M,L",
        *("p,*,Baik,4", "p,*,Buruk,1"),
        *("q,U1,Baik,4", "q,U1,Buruk,1"),
    ]
    assert list(zip(table.seeds, table.lines, strict=True)) == [
        ("export_codes", 2),
        *[("code_lists", 2), ("code_lists", 3)] * 2,
    ]


def test_a_class_of_years_stands_for_each_from_its_lower_bound_to_below_the_next(tmp_path):
    write(
        tmp_path / "code_lists.csv",
        "code_list_id,source_value,code,lower_bound",
        *("usia,,muda,17", "usia,-,blank,", "usia,,tua,25", "usia,99,blank,"),
    )
    write(
        tmp_path / "export_codes.csv",
        *("profile_id,target,source_value,code,code_list_id", "p,age_group,,,usia"),
    )
    rows = seed_records(tmp_path, "export_codes")
    codes = {row["source_value"]: row["code"] for row in rows}
    assert len(codes) == len(rows)
    assert (codes["17"], codes["24"], codes["25"], codes["150"]) == ("muda", "muda", "tua", "tua")
    assert (codes["-"], codes["99"]) == ("blank", "blank")
    assert not {"16", "151", ""} & codes.keys()


def test_an_instrument_takes_over_what_it_does_not_state(tmp_path):
    # The child stands first, and a grandchild builds on it.
    write(tmp_path / "instruments.csv", "instrument_id,base_instrument_id", "c,b", "b,a")
    write(
        tmp_path / "questions.csv",
        "instrument_id,question_id,item_id,scale_max,question_text,is_asked",
        "c,U4,u4,4,Empat,",
        *("b,U1,,,Satu lagi,", "b,U2,,,,false", "b,U3,u3,4,Tiga,"),
        *("a,U1,u1,5,Satu,", "a,U2,u2,5,Dua,true"),
        "lone,U1,u1,4,Satu,",
    )
    assert read_seed(tmp_path / "questions.csv").as_csv().splitlines() == [
        "instrument_id,question_id,item_id,scale_max,question_text",
        *("a,U1,u1,5,Satu", "a,U2,u2,5,Dua"),
        "lone,U1,u1,4,Satu",
        *("c,U1,u1,5,Satu lagi", "c,U3,u3,4,Tiga", "c,U4,u4,4,Empat"),
        *("b,U1,u1,5,Satu lagi", "b,U3,u3,4,Tiga"),
    ]


def test_a_circle_of_bases_ends(tmp_path):
    write(tmp_path / "instruments.csv", "instrument_id,base_instrument_id", "a,b", "b,a")
    write(tmp_path / "questions.csv", "instrument_id,question_id", "a,U1", "b,U2")
    assert len(seed_records(tmp_path, "questions")) == 4


def test_seeds_without_lists_and_bases_are_read_as_they_are():
    for seed in ("export_codes", "questions"):
        path = SAMPLE_SEEDS / f"{seed}.csv"
        assert read_seed(path).as_csv() == path.read_text(encoding="utf-8")


def test_one_more_question_costs_ten_rows_at_the_most_and_leaves_old_cycles_alone(tmp_path):
    seeds = tmp_path / "seeds"
    shutil.copytree(SAMPLE_SEEDS, seeds)
    settings = Settings(data_dir=tmp_path, seeds_dir=seeds)

    def fingerprints() -> list[str]:
        return [of(settings, each) for of in (cycle_fingerprint, border_fingerprint)
                for each in CYCLES]  # fmt: skip

    before = fingerprints()
    like, tools = seed_records(seeds, "questions")[0], ("limesurvey", "gform", "msform")
    more = {
        "instruments": [{"instrument_id": "ilk-2027", "base_instrument_id": "ilk-2025"}],
        "questions": [like | {"instrument_id": "ilk-2027", "question_id": "baru", "item_id": "baru",
                              "question_text": "Bagaimana kecepatannya?"}],
        "export_columns": [
            {"profile_id": tool, "source_column": "Bagaimana kecepatannya?",
             "target_kind": "question", "target": "baru"}
            for tool in tools
        ],
        "survey_cycles": [
            {"cycle_id": "ilk-2027-s1", "index_id": "ilk", "instrument_id": "ilk-2027",
             "method_id": "ilk-1.0", "year": "2027", "semester": "1", "opens_on": "2027-05-03",
             "closes_on": "2027-05-28", "previous_cycle_id": CYCLES[1], "status": "planned"}
        ],
        "survey_sources": [
            {"cycle_id": "ilk-2027-s1", "profile_id": tool, "kind": "landing",
             "location": f"ilk-2027-s1/{tool}/*"}
            for tool in tools
        ],
    }  # fmt: skip
    for seed, rows in more.items():
        path = seeds / f"{seed}.csv"
        is_new = not path.exists()
        with path.open("a", encoding="utf-8", newline="") as file:
            header = list(rows[0]) if is_new else list(read_seed(path).header)
            writer = csv.DictWriter(file, header, restval="", lineterminator="\n")
            if is_new:
                writer.writeheader()
            writer.writerows(rows)
    assert sum(map(len, more.values())) <= 10
    assert contradictions(seeds) == []
    asked = [row for row in seed_records(seeds, "questions") if row["instrument_id"] == "ilk-2027"]
    assert len(asked) == 69
    assert fingerprints() == before
