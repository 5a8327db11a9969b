"""The seeds we ship agree with themselves: the ILK's in full, and every other folder of seeds."""

import csv
from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
ILK = ROOT / "seeds"
FOLDERS = [ILK, ROOT / "examples" / "skm" / "seeds"]
ATTRIBUTES = {
    "response_id",
    "respondent_identifier",
    "submitted_at",
    "started_at",
    "is_complete",
    "is_test",
    "unit_id",
    "recipient_category_id",
    "role_id",
    "gender",
    "age_group",
    "rank_group",
    "tenure_group",
}

# seed, column, the seed and column whose ids it may hold, whether it may be empty
REFERENCES = [
    ("survey_cycles", "index_id", "indexes", "index_id", False),
    ("survey_cycles", "instrument_id", "questions", "instrument_id", False),
    ("survey_cycles", "method_id", "methods", "method_id", False),
    ("survey_cycles", "previous_cycle_id", "survey_cycles", "cycle_id", True),
    ("survey_sources", "cycle_id", "survey_cycles", "cycle_id", False),
    ("survey_sources", "profile_id", "export_profiles", "profile_id", False),
    ("services", "index_id", "indexes", "index_id", False),
    ("perspectives", "index_id", "indexes", "index_id", False),
    ("units", "unit_level_id", "unit_levels", "unit_level_id", False),
    ("units", "region_id", "regions", "region_id", False),
    ("units", "parent_unit_id", "units", "unit_id", True),
    (
        "category_audiences",
        "recipient_category_id",
        "recipient_categories",
        "recipient_category_id",
        False,
    ),
    ("questions", "service_id", "services", "service_id", False),
    ("questions", "perspective_id", "perspectives", "perspective_id", False),
    ("questions", "audience_id", "category_audiences", "audience_id", False),
    ("questions", "provider_level_id", "unit_levels", "unit_level_id", False),
    ("methods", "band_scheme_id", "band_schemes", "band_scheme_id", False),
    ("method_parameters", "method_id", "methods", "method_id", False),
    ("index_weights", "method_id", "methods", "method_id", False),
    ("response_rules", "method_id", "methods", "method_id", False),
    ("targets", "index_id", "indexes", "index_id", False),
    ("targets", "unit_level_id", "unit_levels", "unit_level_id", True),
    ("export_profiles", "instrument_id", "questions", "instrument_id", False),
    ("export_columns", "profile_id", "export_profiles", "profile_id", False),
    ("export_codes", "profile_id", "export_profiles", "profile_id", False),
]
KEYS = {
    "survey_cycles": ["cycle_id"],
    "services": ["index_id", "service_id"],
    "perspectives": ["index_id", "perspective_id"],
    "regions": ["region_id"],
    "units": ["unit_id", "valid_from"],
    "questions": ["instrument_id", "question_id"],
    "method_parameters": ["method_id", "parameter"],
    "index_weights": ["method_id", "component_type", "component_id"],
    "band_schemes": ["band_scheme_id", "band"],
    "targets": ["index_id", "year", "unit_level_id"],
    "export_codes": ["profile_id", "target", "source_value"],
}


def rows(folder: Path, seed: str) -> list[dict[str, str]]:
    with (folder / f"{seed}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def valid_units(on: str) -> list[dict[str, str]]:
    return [
        unit
        for unit in rows(ILK, "units")
        if unit["valid_from"] <= on <= (unit["valid_to"] or "9999")
    ]


@pytest.fixture(params=FOLDERS, ids=["ilk", "skm"])
def folder(request) -> Path:
    return request.param


def test_properties_describe_every_seed_and_column_of_every_folder(folder):
    document = yaml.safe_load((ROOT / "models" / "_seeds.yml").read_text(encoding="utf-8"))
    described = {
        seed["name"]: [column["name"] for column in seed["columns"]] for seed in document["seeds"]
    }
    declared = {seed["name"]: list(seed["config"]["column_types"]) for seed in document["seeds"]}
    found = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found[path.stem] = next(csv.reader(file))
    assert described == found
    assert declared == found


@pytest.mark.parametrize("reference", REFERENCES, ids=lambda each: f"{each[0]}.{each[1]}")
def test_ids_that_are_referred_to_exist(folder, reference):
    seed, column, target, target_column, may_be_empty = reference
    known = {row[target_column] for row in rows(folder, target)} | ({""} if may_be_empty else set())
    assert {row[column] for row in rows(folder, seed)} <= known


@pytest.mark.parametrize("seed", KEYS)
def test_keys_are_unique(folder, seed):
    keys = Counter(tuple(row[column] for column in KEYS[seed]) for row in rows(folder, seed))
    assert [key for key, count in keys.items() if count > 1] == []


def test_an_item_has_one_service_perspective_audience_and_scale(folder):
    kinds = defaultdict(set)
    for row in rows(folder, "questions"):
        kinds[row["instrument_id"], row["item_id"]].add(
            tuple(
                row[column]
                for column in (
                    "service_id",
                    "perspective_id",
                    "audience_id",
                    "scale_min",
                    "scale_max",
                    "is_reverse_scored",
                )
            )
        )
    assert [item for item, found in kinds.items() if len(found) > 1] == []


def test_bands_leave_no_gap_and_do_not_overlap_on_two_decimals(folder):
    schemes = defaultdict(list)
    for row in rows(folder, "band_schemes"):
        lower, upper = (round(100 * float(row[end])) for end in ("lower_100", "upper_100"))
        schemes[row["band_scheme_id"]].append((lower, upper))
    for bands in schemes.values():
        bands.sort()
        assert (bands[0][0], bands[-1][1]) == (2500, 10000)
        assert all(above[0] == below[1] + 1 for below, above in pairwise(bands))


def test_versions_of_a_unit_do_not_overlap(folder):
    versions = defaultdict(list)
    for row in rows(folder, "units"):
        versions[row["unit_id"]].append((row["valid_from"], row["valid_to"] or "9999-12-31"))
    for unit_id, spans in versions.items():
        spans.sort()
        assert all(start <= end for start, end in spans), unit_id
        assert all(earlier[1] < later[0] for earlier, later in pairwise(spans)), unit_id


def test_every_parent_of_a_unit_is_valid_when_a_cycle_opens_and_stands_above_it(folder):
    ranks = {row["unit_level_id"]: int(row["rank"]) for row in rows(folder, "unit_levels")}
    for cycle in rows(folder, "survey_cycles"):
        on = cycle["opens_on"]
        units = {
            row["unit_id"]: row
            for row in rows(folder, "units")
            if row["valid_from"] <= on <= (row["valid_to"] or "9999")
        }
        for unit in units.values():
            if parent_id := unit["parent_unit_id"]:
                parent = units[parent_id]
                assert ranks[parent["unit_level_id"]] < ranks[unit["unit_level_id"]], unit


def test_windows_are_in_order_and_follow_the_previous_cycle(folder):
    cycles = {row["cycle_id"]: row for row in rows(folder, "survey_cycles")}
    for cycle in cycles.values():
        assert date.fromisoformat(cycle["opens_on"]) < date.fromisoformat(cycle["closes_on"])
        if previous := cycle["previous_cycle_id"]:
            assert cycles[previous]["closes_on"] < cycle["opens_on"]


def test_each_profile_maps_every_question_and_the_unit_once(folder):
    questions = defaultdict(set)
    for row in rows(folder, "questions"):
        questions[row["instrument_id"]].add(row["question_id"])
    for profile in rows(folder, "export_profiles"):
        columns = [
            row
            for row in rows(folder, "export_columns")
            if row["profile_id"] == profile["profile_id"]
        ]
        folded = Counter(" ".join(row["source_column"].split()) for row in columns)
        targets = Counter(row["target"] for row in columns if row["target_kind"] != "ignore")
        asked = {row["target"] for row in columns if row["target_kind"] == "question"}
        attributes = {row["target"] for row in columns if row["target_kind"] == "attribute"}
        assert {row["target_kind"] for row in columns} <= {"attribute", "question", "ignore"}
        assert all(row["target"] == "" for row in columns if row["target_kind"] == "ignore")
        assert set(folded.values()) == {1}
        assert set(targets.values()) == {1}
        assert asked == questions[profile["instrument_id"]]
        assert "unit_id" in attributes <= ATTRIBUTES


def test_codes_lead_to_known_units_categories_roles_and_to_the_scale(folder):
    known = {
        "unit_id": {row["unit_id"] for row in rows(folder, "units")},
        "recipient_category_id": {
            row["recipient_category_id"] for row in rows(folder, "recipient_categories")
        },
        "role_id": {row["role_id"] for row in rows(folder, "roles")},
    }
    scales = {
        row["question_id"]: range(int(row["scale_min"]), int(row["scale_max"]) + 1)
        for row in rows(folder, "questions")
    }
    widest = {code for scale in scales.values() for code in scale}
    for row in rows(folder, "export_codes"):
        target, code = row["target"], row["code"]
        if target in known:
            assert code in known[target], row
        elif target not in ATTRIBUTES and code not in ("not_available", "not_used", "blank"):
            assert int(code) in (widest if target == "*" else scales[target]), row


def test_the_demographic_codes_of_all_profiles_are_the_same():
    codes = defaultdict(lambda: defaultdict(set))
    for row in rows(ILK, "export_codes"):
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
            for row in rows(ILK, "export_codes")
            if (row["profile_id"], row["target"]) == (profile_id, "unit_id")
        }
        assert labels == names


def test_the_register_holds_38_provinces_and_33_regional_offices_in_2025():
    units = valid_units("2025-05-05")
    kinds = Counter(unit["unit_type"] for unit in units)
    levels = Counter(unit["unit_level_id"] for unit in units)
    assert len(rows(ILK, "regions")) == 38
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
    questions = rows(ILK, "questions")
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
