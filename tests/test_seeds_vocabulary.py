"""Seeds: each folder agrees with itself, and the sample's say what the ministry has.

Belongs here: what any team's seeds/ must keep (the tests of `folder`), and what the sample's frozen
ones state. Doesn't: what seeds may not contradict (test_seed_contradictions.py).
"""

import csv
from collections import Counter, defaultdict
from pathlib import Path

import pytest
import yaml

from expectations.seed_rules import OPTIONAL_COLUMNS
from expectations.seeds import contradictions
from orchestration.seeds.seed_tables import OPTIONAL_SEEDS, read_seed
from tests.conftest import SAMPLE_SEEDS

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = [ROOT / "seeds", SAMPLE_SEEDS, ROOT / "examples" / "skm" / "seeds"]


def rows(folder: Path, seed: str) -> list[dict[str, str]]:
    with (folder / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def valid_units(on: str) -> list[dict[str, str]]:
    return [
        unit
        for unit in rows(SAMPLE_SEEDS, "units")
        if unit["valid_from"] <= on <= (unit["valid_to"] or "9999")
    ]


@pytest.fixture(params=FOLDERS, ids=["team", "sample", "skm"])
def folder(request) -> Path:
    return request.param


def test_properties_describe_every_seed_and_column_of_every_folder(folder):
    document = yaml.safe_load((ROOT / "models" / "_seeds.yml").read_text(encoding="utf-8"))
    described = {
        seed["name"]: [column["name"] for column in seed["columns"]] for seed in document["seeds"]
    }
    declared = {seed["name"]: list(seed["config"]["column_types"]) for seed in document["seeds"]}
    found = {path.stem: {*read_seed(path).header} for path in folder.glob("*.csv")}
    for columns in (described, declared):
        asked = {
            seed: {
                name
                for name in names
                if name in found[seed] or name not in OPTIONAL_COLUMNS.get(seed, ())
            }
            for seed, names in columns.items()
            if seed in found or seed not in OPTIONAL_SEEDS
        }
        assert asked == found


def test_each_folder_agrees_with_itself(folder):
    assert contradictions(folder) == []


def test_the_demographic_codes_of_all_profiles_are_the_same():
    codes = defaultdict(lambda: defaultdict(set))
    for row in rows(SAMPLE_SEEDS, "export_codes"):
        if row["target"] in ("gender", "age_group", "rank_group", "tenure_group"):
            codes[row["target"]][row["profile_id"]].add(row["code"])
    for by_profile in codes.values():
        assert set(by_profile) == {"limesurvey", "gform", "msform"}
        assert len({frozenset(found) for found in by_profile.values()}) == 1


def test_the_forms_offer_every_unit_that_is_valid_in_2025_by_its_name():
    names = {unit["unit_name"]: unit["unit_id"] for unit in valid_units("2025-05-05")}
    assert len(names) == len(valid_units("2025-05-05"))
    for profile_id in ("gform", "msform"):
        labels = {
            row["source_value"]: row["code"]
            for row in rows(SAMPLE_SEEDS, "export_codes")
            if (row["profile_id"], row["target"]) == (profile_id, "unit_id")
        }
        assert labels == names


def test_the_register_holds_38_provinces_and_33_regional_offices_in_2025():
    units = valid_units("2025-05-05")
    kinds = Counter(unit["unit_type"] for unit in units)
    levels = Counter(unit["unit_level_id"] for unit in units)
    assert len(rows(SAMPLE_SEEDS, "regions")) == 38
    assert kinds["kanwil"] == levels["wilayah"] == 33
    assert kinds["eselon_1"] == levels["pusat"] == 8
    assert 800 <= levels["upt"] <= 900
    assert {unit["region_id"] for unit in units if unit["unit_level_id"] == "pusat"} == {"31"}
    # Every province has units to rate, those without a regional office of their own too.
    assert len({unit["region_id"] for unit in units}) == 38


def test_regional_offices_lost_human_rights_from_their_names_in_october_2024():
    before = {unit["unit_id"]: unit["unit_name"] for unit in valid_units("2024-10-20")}
    after = {unit["unit_id"]: unit["unit_name"] for unit in valid_units("2024-10-21")}
    offices = [unit_id for unit_id in after if unit_id.startswith("kanwil-")]
    assert all(
        before[office] == after[office].replace("Hukum", "Hukum dan HAM") for office in offices
    )
    assert set(before) - set(after) == {"ditjen-pas", "ditjen-imigrasi", "ditjen-ham"}


def test_the_instrument_asks_each_shared_service_in_all_five_perspectives():
    questions = rows(SAMPLE_SEEDS, "questions")
    asked = defaultdict(set)
    for row in questions:
        asked[row["service_id"]].add(row["perspective_id"])
    assert (len(questions), len({row["item_id"] for row in questions})) == (68, 28)
    assert {service: len(found) for service, found in asked.items()} == {
        "sdm": 5,
        "bmn_umum": 5,
        "perencanaan_keuangan": 5,
        "kehumasan_hukum_kerjasama": 4,
    }
    five = {row["item_id"] for row in questions if row["scale_max"] == "5"}
    reverse = {row["item_id"] for row in questions if row["is_reverse_scored"] == "true"}
    assert (len(five), len(reverse)) == (2, 1)
