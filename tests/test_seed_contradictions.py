"""Seeds that contradict themselves: each rule finds its row, and one report says all of it."""

import csv
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from expectations.seed_rules import KEYS, REFERENCES, seed_rules
from expectations.seeds import Contradiction, contradictions, report
from orchestration.settings import REPOSITORY
from tests.conftest import SAMPLE_SEEDS, ilk

Seeds = Callable[..., list[Contradiction]]

# What the agreeing seeds hold beside those of examples/skm: two levels, a move, a second cycle.
MORE_ROWS = {
    "export_codes": ["skm-plain,*,Baik,3,"],
    "code_lists": ["setuju,Setuju,4,", "setuju,Tidak setuju,1,"],
    "instruments": ["skm-2022,skm-permenpan-14-2017"],
    "index_weights": [
        "skm-1.0,service,pelayanan,1",
        "skm-1.0,perspective,prosedur,0.5",
        *(
            f"skm-1.0,perspective,{other},2"
            for other in (
                *("persyaratan", "waktu", "biaya", "produk"),
                *("kompetensi", "perilaku", "sarana", "pengaduan"),
            )
        ),
    ],
    "follow_ups": ["skm-2021,loket-1,prosedur,Latih petugas,Loket 1,2021-06-30,planned"],
    "indexes": ["other,Lain,Other,"],
    "method_parameters": ["skm-1.0,min_cell_n,10"],
    "survey_cycles": [
        "skm-2021,skm,skm-permenpan-14-2017,skm-1.0,2021,1,2021-01-01,2021-01-31,skm-2020,closed",
    ],
    "targets": ["skm,2020,,3.6"],
    "verifications": [
        "V-1,skm-2020,loket-1,,interview,3.5,,,2020-09-01,",
        "V-2,skm-2020,loket-1,,service_record,,75,60,2020-09-01,",
    ],
    "region_contacts": ["indonesia,kanwil@example.go.id", ",pusat@example.go.id"],
    "unit_levels": ["loket,Loket,Counter,2"],
    "units": [
        "loket-1,Loket 1,loket,pelayanan,indonesia,unit-pelayanan,2020-01-01,2020-12-31",
        "loket-1,Loket Satu,loket,pelayanan,indonesia,unit-pelayanan,2021-01-01,",
    ],
}
HEADERS = {
    "region_contacts": "region_id,address",
    "instruments": "instrument_id,base_instrument_id",
    "verifications": (
        "verification_id,cycle_id,unit_id,service_id,source,score,minutes,standard_minutes,"
        "verified_on,note"
    ),
}
QUESTION = "skm-permenpan-14-2017,{},{},pelayanan,{},masyarakat,unit,{},{},false,"

# rule: (seed, a text of it or nothing, what stands there instead or a row more, what is reported)
CASES: dict[str, tuple[str, str, str, str]] = {
    "columns_are_there": (
        "units",
        "valid_to",
        "sampai",
        "no column 'valid_to'; the header has",
    ),
    "headings_are_named_once": ("roles", "name_en", "name_en,name_en", "names 'name_en' twice"),
    "rows_fit_the_header": ("roles", "", "tamu,Tamu", "line 3: tamu,Tamu"),
    "seed_is_csv": ("roles", "", 'tamu,"Tamu,Guest', "line 3"),
    "cells_are_filled": ("services", "Pelayanan publik", "", "'name_id' is empty"),
    "cells_are_of_their_list": ("methods", "none", "rata", "may be: none, poststrat, rake"),
    "ids_are_plain": ("regions", "", "jawa barat,,Jawa Barat,Jawa", "'jawa barat'"),
    "addresses_hold_no_secret": (
        *("survey_sources", "", "skm-2020,skm-plain,landing,sftp://a:b@host/*"),
        "Take it out",
    ),
    "dates_are_readable": ("survey_cycles", "2020-08-31", "31 Agustus", "as YYYY-MM-DD"),
    "whole_numbers_are_readable": ("services", ",1", ",1.5", "is '1.5', no whole number"),
    "numbers_are_readable": ("targets", "3.6", '"3,600"', "'3,600', no number, or"),
    "codes_are_unique": ("export_codes", "", "skm-plain,*, Baik ,2,", "as in line 4"),
    "listed_codes_are_unique": ("code_lists", "", "setuju, Setuju ,2,", "as in line 7"),
    "lower_bounds_are_unique": ("code_lists", "", "kelompok_usia,,tua,55", "as in line 6"),
    "listed_codes_have_a_value_or_a_bound": (
        *("code_lists", "", "kelompok_usia,99,tua,99"),
        "'tua' stands for no value, or for two",
    ),
    "headings_are_unique": (
        *("export_columns", "", "skm-plain,U1 ,ignore,"),
        "the same profile_id, source_column as in line",
    ),
    "attributes_are_mapped_once": (
        *("export_columns", "", "skm-plain,Satuan kerja,attribute,unit_id"),
        "the same profile_id, target_kind, target as in line",
    ),
    "windows_are_in_order": ("survey_cycles", "2021-01-31", "2020-12-31", "is after closes_on"),
    "previous_cycles_come_before": ("survey_cycles", "2020-08-31", "2021-01-01", "'skm-2020' clos"),
    "previous_cycles_are_of_the_same_index": (
        *("survey_cycles", "skm-2021,skm", "skm-2021,other"),
        "of the index 'skm', this cycle of 'other'",
    ),
    "sources_and_cycles_share_an_instrument": (
        *("survey_cycles", "skm-2020,skm,skm-permenpan-14-2017", "skm-2020,skm,lain"),
        "cycle 'skm-2020' asks 'lain'",
    ),
    "the_headline_role_is_there": ("roles", "penerima,", "pelanggan,", "role_id 'penerima'"),
    "ranks_are_from_one_to_five": ("unit_levels", "", "pos,Pos,Post,6", "rank 6"),
    "ranks_are_unique": ("unit_levels", "", "pos,Pos,Post,2", "the same rank as in line 3"),
    "unit_versions_are_in_order": ("units", "2020-12-31", "2019-12-31", "after valid_to 2019-12"),
    "unit_versions_do_not_overlap": ("units", "2020-12-31", "2021-01-01", "versions on 2021-01-01"),
    "no_unit_is_its_own_parent": (
        *("units", "pelayanan,indonesia,,2020", "pelayanan,indonesia,loket-1,2020"),
        "'unit-pelayanan' is its own ancestor from 2020-01-01 on",
    ),
    "parents_are_there_when_a_cycle_opens": (
        *(
            "units",
            "pelayanan,indonesia,,2020-01-01,",
            "pelayanan,indonesia,,2020-01-01,2020-12-31",
        ),
        "no version on 2021-01-01, when cycle 'skm-2021' opens",
    ),
    "parents_stand_on_no_lower_level": (
        *("units", "", "pos,Pos,unit,pelayanan,indonesia,loket-1,2021-01-01,"),
        "of the level 'loket', below 'unit'",
    ),
    "scales_are_in_order": (
        *("questions", "", QUESTION.format("U10", "u10", "prosedur", 4, 4)),
        "scale_min 4 is not below scale_max 4",
    ),
    "items_have_one_service_and_perspective": (
        *("questions", "", QUESTION.format("U10", "prosedur", "persyaratan", 1, 4)),
        "/ prosedur in line 3",
    ),
    "questions_name_what_they_ask_about": (
        *("questions", "", "skm-permenpan-14-2017,U10,u10,,prosedur,masyarakat,unit,1,4,false,"),
        "'U10' asks for performance, and service_id is empty",
    ),
    "questions_ask_services_of_their_index": (
        *("services", "skm,pelayanan", "other,pelayanan"),
        "cycle 'skm-2020' asks this question for 'skm'",
    ),
    "questions_ask_perspectives_of_their_index": (
        *("perspectives", "skm,prosedur", "other,prosedur"),
        "perspectives.csv has 'prosedur' for another index only",
    ),
    "parameters_are_numbers": ("method_parameters", "10", "sepuluh", "is 'sepuluh', no number"),
    "parameters_are_in_range": (
        *("method_parameters", "", "skm-1.0,min_answered_share,50"),
        "min_answered_share is 50, out of 0 - 1",
    ),
    "weights_are_not_negative": ("index_weights", "0.5", "-0.5", "'prosedur' is -0.5, below 0"),
    "weights_are_of_known_components": (
        *("index_weights", "", "skm-1.0,item,tanya,1"),
        "questions.csv has no item 'tanya'",
    ),
    "weights_of_siblings_do_not_sum_to_zero": (
        *("index_weights", "pelayanan,1", "pelayanan,0"),
        "every service of index sum to 0 under method 'skm-1.0'",
    ),
    "weights_of_siblings_are_stated_for_all_or_none": (
        *("index_weights", "skm-1.0,perspective,waktu,2\n", ""),
        "give waktu a row too, or none of the 9 perspectives of pelayanan under method 'skm-1.0'",
    ),
    "bands_have_two_decimals": ("band_schemes", "88.31", "88.305", "88.305 has more than two"),
    "bands_are_in_order": ("band_schemes", "25.00,64.99", "64.99,25.00", "64.99 is above"),
    "bands_leave_no_gap_and_do_not_overlap": (
        *("band_schemes", "88.31", "88.40"),
        "band A begins at 88.40 where 88.31 comes next",
    ),
    "bands_end_at_100": ("band_schemes", "100.00", "99.99", "A, ends at 99.99 and not at 100"),
    "targets_are_scores": ("targets", "3.6", "88.31", "target_score 88.31 is not on the scale"),
    "verifications_hold_a_score_or_minutes": ("verifications", "3.5,,", "3.5,75,60", "'V-1' needs"),
    "verifications_are_in_range": ("verifications", "75,60", "75,0", "standard_minutes 0"),
    "contacts_are_addresses": (
        *("region_contacts", "", "indonesia,tgram://123:token/456"),
        "'tgram://123:token/456' is no e-mail address",
    ),
    "time_zones_are_known": ("export_profiles", "Asia/Jakarta", "WIB", "timezone 'WIB' is unknown"),
    "profiles_map_the_unit": (
        *("export_columns", "skm-plain,_profile_id,attribute,unit_id", "skm-plain,_p,ignore,"),
        "maps a column of 'skm-plain' to unit_id",
    ),
    "columns_lead_to_known_targets": (
        *("export_columns", "", "skm-plain,U10,question,U10"),
        "no question 'U10' (instrument 'skm-permenpan-14-2017')",
    ),
    "codes_are_for_known_targets": (
        *("export_codes", "", "skm-plain,U10,Baik,3,"),
        "'U10' is no attribute, no * and no question",
    ),
    "codes_lead_to_known_units": (
        *("export_codes", "", "skm-plain,unit_id,Loket 9,loket-9,"),
        "code 'loket-9' is in no row of units.csv",
    ),
    "codes_lead_to_known_recipient_categories": (
        *("export_codes", "", "skm-plain,recipient_category_id,T,tamu,"),
        "'tamu' is in no row of recipient_categories.csv",
    ),
    "codes_lead_to_known_roles": (
        *("export_codes", "", "skm-plain,role_id,T,tamu,"),
        "'tamu' is in no row of roles.csv",
    ),
    "demographics_are_column_names": (
        *("demographics", "", "Tingkat Pendidikan,Pendidikan,Education,5"),
        "'Tingkat Pendidikan' can't name a column",
    ),
    "demographics_have_names_of_their_own": (
        *("demographics", "", "role_id,Peran,Role,5"),
        "'role_id' is an attribute",
    ),
    "codes_are_on_the_scale": ("export_codes", "Baik,3", "Baik,5", "scale 1-4 of *"),
}
GENERATED = {f"{seed}_are_unique" for seed in KEYS} | {
    f"{seed}_{column}_is_known" for seed, column in REFERENCES
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Seeds that agree with themselves and break every rule by one small change."""
    seeds = tmp_path / "seeds"
    shutil.copytree(REPOSITORY / "examples" / "skm" / "seeds", seeds)
    for name, header in HEADERS.items():
        add(seeds, name, header)
    for name, rows in MORE_ROWS.items():
        add(seeds, name, *rows)
    return seeds


def with_column(seeds: Path, name: str, column: str) -> None:
    """Give a seed an optional column, empty in all of its rows."""
    path = seeds / f"{name}.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    lines = [f"{header},{column}", *(f"{row}," for row in rows)]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")


def add(seeds: Path, name: str, *rows: str) -> None:
    with (seeds / f"{name}.csv").open("a", encoding="utf-8") as file:
        file.writelines(f"{row}\n" for row in rows)


def change(seeds: Path, name: str, old: str, new: str) -> None:
    if not old:
        add(seeds, name, new)
        return
    path = seeds / f"{name}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def test_seeds_that_agree_are_left_in_peace(folder):
    assert contradictions(folder) == []


@pytest.mark.parametrize("rule", CASES)
def test_a_contradiction_is_found_with_its_file_and_words(folder, rule):
    seed, old, new, words = CASES[rule]
    change(folder, seed, old, new)
    found = contradictions(folder)
    assert rule in {each.rule for each in found}
    of_rule = report(folder, [each for each in found if each.rule == rule])
    assert words in of_rule
    assert re.search(r"^\w+\.csv, baris/line \d+", of_rule, flags=re.M)


@pytest.mark.parametrize(
    ("seed", "id_"),
    [("survey_cycles", "skm-2020"), ("export_profiles", "skm-plain"), ("units", "unit-pelayanan")],
)
@pytest.mark.parametrize(
    "word", ["..", ".", "a/b", "a\\b", ".a", "a.", "-a", "CON", "nul.csv", "com1", "a b", "a" * 101]
)
def test_an_id_that_names_files_is_a_plain_word_on_every_system(folder, seed, id_, word):
    change(folder, seed, f"\n{id_},", f"\n{word},")
    found = [each for each in contradictions(folder) if each.rule == "ids_are_plain"]
    assert [(each.seed, each.words.split(",")[0]) for each in found] == [(seed, word)]


@pytest.mark.parametrize("word", ["ilk-2025-s2", "W.7", "console", "a", "2025", "x_1", "a" * 100])
def test_a_plain_word_is_left_in_peace(folder, word):
    change(folder, "units", "\nunit-pelayanan,", f"\n{word},")
    assert "ids_are_plain" not in {each.rule for each in contradictions(folder)}


LISTS = {
    "code_lists_are_known": (["skm-plain,U1,,,setju"], "code_list_id 'setju' is in no row of"),
    "codes_are_stated_once": (["skm-plain,U1,Ya,4,setuju"], "stands nowhere, or twice"),
    "a_list_holds_all_codes_of_a_target": (
        ["skm-plain,U1,,,setuju", "skm-plain,U1,Ya,4,"],
        "1 more rows of 'skm-plain' say what 'U1' means beside the list 'setuju'",
    ),
    "codes_are_on_the_scale": (["skm-plain,U1,,,tinggi"], "code '5' is not on the scale 1-4 of U1"),
    "codes_lead_to_known_roles": (["skm-plain,role_id,,,setuju"], "code '4' is in no row of roles"),
}


@pytest.mark.parametrize("rule", LISTS)
def test_a_code_list_is_judged_where_a_profile_names_it(folder, rule):
    rows, words = LISTS[rule]
    add(folder, "code_lists", "tinggi,Tinggi,5,")
    add(folder, "export_codes", "skm-plain,U2,,,setuju")
    assert contradictions(folder) == []
    add(folder, "export_codes", *rows)
    found = contradictions(folder)
    assert {each.rule for each in found} == {rule}
    assert words in report(folder, found)
    in_the_list = rule in ("codes_are_on_the_scale", "codes_lead_to_known_roles")
    assert {each.seed for each in found} == {"code_lists" if in_the_list else "export_codes"}
    assert all(each.words for each in found)


def test_a_code_that_stands_nowhere_is_told(folder):
    add(folder, "export_codes", "skm-plain,U2,Ya,,")
    assert [each.rule for each in contradictions(folder)] == ["codes_are_stated_once"]


INSTRUMENTS = {
    "no_instrument_builds_on_itself": (
        {"instruments": ["skm-2024,skm-2023", "skm-2023,skm-2024"]},
        "instrument 'skm-2024' builds on itself, by way of 'skm-2023'",
    ),
    "instruments_are_unique": (
        {"instruments": ["skm-2022,skm-2021"]},
        "the same instrument_id as in line 2",
    ),
    "questions_left_out_are_of_the_base": (
        {"questions": ["skm-2022,U77,,,,,,,,,,false"]},
        "'skm-2022' builds on no instrument that asks 'U77'",
    ),
    "cells_are_filled": ({"questions": ["skm-2022,U77,,,,,,,,,,"]}, "'item_id' is empty"),
    "questions_are_unique": (
        {"questions": ["skm-2022,U1,,,,,,,,,Baru,", "skm-2022,U1,,,,,,,,,Lain,"]},
        "the same instrument_id, question_id as in line 11",
    ),
    "scales_are_in_order": ({"questions": ["skm-2022,U1,,,,,,9,,,,"]}, "scale_min 9 is not below"),
    "sources_and_cycles_share_an_instrument": (
        {"export_profiles": ["baru,skm-2022,plain,Asia/Jakarta,,,,,,"],
         "export_columns": ["baru,_profile_id,attribute,unit_id"],
         "survey_sources": ["skm-2021,baru,landing,x"]},
        "profile 'baru' reads the instrument 'skm-2022', but cycle 'skm-2021' asks",
    ),
    "columns_lead_to_known_targets": (
        {"export_columns": ["skm-plain,U88,question,U88"]},
        "there is no question 'U88'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("rule", INSTRUMENTS)
def test_an_instrument_is_judged_with_what_it_takes_over(folder, rule):
    rows, words = INSTRUMENTS[rule]
    with_column(folder, "questions", "is_asked")
    add(folder, "questions", "skm-2022,U1,,,,,,,,,Kata baru,", "skm-2022,U2,,,,,,,,,,false")
    change(folder, "survey_cycles", "skm-2021,skm,skm-permenpan-14-2017", "skm-2021,skm,skm-2022")
    # The profile of the base reads what is built on it.
    add(folder, "survey_sources", "skm-2021,skm-plain,landing,y")
    assert contradictions(folder) == []
    if rule == "questions_are_unique":
        change(folder, "questions", "skm-2022,U1,,,,,,,,,Kata baru,\n", "")
        words = words.replace("11", "12")
    if rule == "sources_and_cycles_share_an_instrument":
        change(
            folder, "survey_cycles", "skm-2021,skm,skm-2022", "skm-2021,skm,skm-permenpan-14-2017"
        )
    for seed, more in rows.items():
        add(folder, seed, *more)
    found = contradictions(folder)
    assert rule in {each.rule for each in found}
    of_rule = [each for each in found if each.rule == rule]
    assert words in report(folder, of_rule)
    assert len(set(of_rule)) == len(of_rule)


def test_a_profile_of_no_instrument_reads_them_all(folder):
    add(
        folder, "questions", QUESTION.format("U10", "u10", "prosedur", 1, 4).replace("2017", "2099")
    )
    add(folder, "export_columns", "skm-plain,U10,question,U10")
    rules = {each.rule for each in contradictions(folder)}
    assert rules == {"columns_lead_to_known_targets"}
    change(folder, "export_profiles", "skm-plain,skm-permenpan-14-2017", "skm-plain,")
    assert contradictions(folder) == []


@pytest.mark.parametrize(
    ("days", "rules"),
    [
        ("7", set()),
        ("", set()),
        ("0", {"days_of_freshness_are_positive"}),
        ("seven", {"whole_numbers_are_readable"}),
    ],
)
def test_days_of_freshness_are_a_number_of_one_or_more(folder, days, rules):
    path = folder / "survey_sources.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    lines = [f"{header},fresh_within_days", *(f"{row},{days}" for row in rows)]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    assert {each.rule for each in contradictions(folder)} == rules


def test_every_rule_has_a_case_here():
    from expectations import seeds

    rules = (
        {rule.name for rule in seed_rules()} | seeds._FILE_TEXTS.keys() | seeds._CELL_TEXTS.keys()
    )
    elsewhere = {"seed_is_there", "seed_is_utf8", "instruments_ask_for_performance"}
    elsewhere |= {"overall_questions_are_about_everything"}
    elsewhere |= {"tiles_are_whole", "tiles_are_apart", "days_of_freshness_are_positive"}
    elsewhere |= {f"{each}_are_of_the_forms" for each in ("fields", "codes", "dates", "numbers")}
    assert rules == CASES.keys() | GENERATED | LISTS.keys() | INSTRUMENTS.keys() | elsewhere


def test_a_folder_of_seeds_may_lack_follow_ups_and_dbt_finds_them_empty(folder, monkeypatch):
    from orchestration.dbt_build import _seed_path
    from orchestration.settings import Settings

    (folder / "follow_ups.csv").unlink()
    assert contradictions(folder) == []
    settings = Settings(seeds_dir=folder)
    seen = settings.dbt_project_dir / _seed_path(settings)
    try:
        header = "cycle_id,unit_id,perspective_id,action,owner,due_on,status\n"
        assert (seen / "follow_ups.csv").read_text(encoding="utf-8") == header
    finally:
        shutil.rmtree(seen)


def test_a_question_may_stand_in_two_columns(folder):
    add(folder, "export_columns", "skm-plain,U1 lagi,question,U1")
    assert contradictions(folder) == []


def test_the_zone_that_a_tool_writes_and_the_kind_of_its_identifiers_may_be_told(folder):
    path = folder / "export_profiles.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    told = [f"{header},written_timezone,identifier_kind", *(f"{row},UTC,nip" for row in rows)]
    path.write_text("\n".join(told) + "\n", encoding="utf-8")
    assert contradictions(folder) == []
    wrong = [f"{told[0]}", *(f"{row},WIB,ktp" for row in rows)]
    path.write_text("\n".join(wrong) + "\n", encoding="utf-8")
    said = report(folder, contradictions(folder))
    assert "timezone 'WIB' is unknown" in said
    assert "may be: nip, email, token" in said


def test_a_row_that_is_there_twice_is_found_in_every_seed(folder):
    for seed in KEYS:
        rows = (folder / f"{seed}.csv").read_text(encoding="utf-8").splitlines()
        if len(rows) == 1:
            add(folder, seed, "skm-1.0,speeding,flag")
        add(folder, seed, rows[-1])
    found = contradictions(folder)
    assert {f"{seed}_are_unique" for seed in KEYS} <= {each.rule for each in found}


@pytest.mark.parametrize(
    ("parameter", "wrong", "span"),
    [
        ("ci_level", 1, "> 0, < 1"),
        ("rank_draws", 0, "1 - ..."),
        ("bootstrap_replicates", 1, "2 - ..."),
        ("km_margin", 0, "> 0"),
        ("min_cell_n", -1, "0 - ..."),
    ],
)
def test_a_parameter_that_makes_no_sense_is_told_with_its_range(folder, parameter, wrong, span):
    change(folder, "method_parameters", "min_cell_n,10", f"{parameter},{wrong}")
    assert f"{parameter} is {wrong}, out of {span}" in report(folder, contradictions(folder))


def test_a_service_group_without_a_weight_beside_others_that_have_one_is_refused(tmp_path):
    """CONTRIBUTING's recipe: a fifth service group would have had half of the index (1 of 2)."""
    seeds = tmp_path / "seeds"
    shutil.copytree(SAMPLE_SEEDS, seeds)
    add(seeds, "services", "ilk,ti,Teknologi Informasi,Information Technology,5")
    questions = (seeds / "questions.csv").read_text(encoding="utf-8").splitlines()
    for line in questions:
        if ",sdm,tangible," in line:
            add(seeds, "questions", line.replace("sdm", "ti"))
    found = contradictions(seeds)
    assert {each.rule for each in found} == {"weights_of_siblings_are_stated_for_all_or_none"}
    assert any("give ti a row too, or none of the 5 services of index" in e.text.en for e in found)
    for method in ("ilk-1.0", "ilk-1.0-unweighted", "ilk-1.0-rake"):
        add(seeds, "index_weights", f"{method},service,ti,0.25")
    assert contradictions(seeds) == []


def test_an_instrument_that_asks_expectations_alone_is_refused(folder):
    path = folder / "questions.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    rows = [f"{header},asks", *(f"{row},expectation" for row in rows)]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    found = [each.rule for each in contradictions(folder)]
    assert found == ["instruments_ask_for_performance"] * 2  # both cycles


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ("U10,u10,,,masyarakat,unit,1,10,false,Secara keseluruhan?,overall", None),
        ("U10,u10,,,masyarakat,unit,1,4,false,?,expectation", "questions_name_what_they_ask_about"),
        (
            "U10,u10,pelayanan,,masyarakat,unit,1,4,false,?,overall",
            "overall_questions_are_about_everything",
        ),
        (
            "U10,u10,,prosedur,masyarakat,unit,1,4,false,?,overall",
            "overall_questions_are_about_everything",
        ),
        (
            "U10,prosedur,,,masyarakat,unit,1,4,false,?,overall",
            "items_have_one_service_and_perspective",
        ),
    ],
)
def test_an_overall_question_alone_is_of_no_service_and_perspective(folder, row, rule):
    with_column(folder, "questions", "asks")
    add(folder, "questions", f"skm-permenpan-14-2017,{row}")
    assert {each.rule for each in contradictions(folder)} == ({rule} if rule else set())


def test_an_id_that_is_nowhere_is_found_in_every_column_that_refers(folder):
    for (seed, column), _ in REFERENCES.items():
        path = folder / f"{seed}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        rows.append(rows[-1] | {column: "nowhere"})
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    rules = {each.rule: each for each in contradictions(folder)}
    for (seed, column), (target, _) in REFERENCES.items():
        text = rules[f"{seed}_{column}_is_known"].text
        assert text.en.endswith(f"– {column} 'nowhere' is in no row of {target}.csv."), text
        assert text.id.endswith(f"– {column} 'nowhere' tidak ada di {target}.csv."), text


def test_a_seed_that_is_missing_or_not_utf8_is_named_and_the_others_are_judged(folder):
    (folder / "roles.csv").unlink()
    (folder / "regions.csv").write_bytes("id,nama\n1,Bandoeng é".encode("cp1252"))
    change(folder, "services", "skm,pelayanan", "skm,layanan")
    found = contradictions(folder)
    assert {each.rule for each in found} == {
        "seed_is_there",
        "seed_is_utf8",
        "questions_service_id_is_known",
        "weights_are_of_known_components",
    }


def test_of_many_contradictions_of_one_kind_three_and_the_count_are_told(folder):
    change(folder, "services", "skm,pelayanan", "skm,layanan")
    text = report(folder, contradictions(folder))
    assert text.count("service_id 'pelayanan' is in no row of services.csv") == 3
    assert "questions.csv: ... dan 6 baris lagi, semuanya 9. / and 6 more rows, 9 in all." in text
    # What another row says differently is among the three.
    change(folder, "questions", "pelayanan,kompetensi", "lain,kompetensi")
    text = report(folder, contradictions(folder))
    assert text.count("'pelayanan' is in no row") == 2
    assert "service_id 'lain' is in no row" in text


def test_a_row_is_counted_by_the_line_it_begins_in(folder):
    change(folder, "questions", "U1,", '"U1\n",')  # a line break within a cell moves what follows
    change(folder, "questions", "U3,", "U2,")
    lines = {each.rule: each.line for each in contradictions(folder)}
    assert lines["questions_are_unique"] == 5


def test_a_run_stops_with_one_report_of_all_and_publishes_nothing(own_sample, tmp_path):
    seeds = tmp_path / "seeds"
    shutil.copytree(SAMPLE_SEEDS, seeds)
    settings = own_sample(ILK_SEEDS_DIR=str(seeds))
    published, built = settings.published_dir.resolve(), settings.warehouse.stat().st_mtime_ns
    change(seeds, "survey_cycles", "2025-05-30", "30 Mei 2025")
    change(seeds, "units", ",pusat,", ",puzat,")
    change(seeds, "band_schemes", "76.60", "76.61")
    result = ilk("run", "ilk-2025-s1")
    assert result.exit_code == 1, result.output
    assert "masalah: 3." in result.output
    for words in (
        "survey_cycles.csv, baris/line 2: ilk-2025-s1,ilk",
        "'closes_on' berisi '30 Mei 2025', bukan tanggal",
        "units.csv, baris/line 2: setjen,Sekretariat Jenderal",
        "unit_level_id 'puzat' is in no row of unit_levels.csv",
        "band B begins at 76.61 where 76.62 comes next",
    ):
        assert words in result.output
    assert settings.published_dir.resolve() == published
    assert settings.warehouse.stat().st_mtime_ns == built


@pytest.mark.parametrize(
    ("tiles", "told"),
    [
        (("1,1", ","), []),
        (("1,1", "1,2"), []),
        (("1,", ",2"), ["tile_row is 1, tile_column -", "tile_row is -, tile_column 2"]),
        (("0,1", "2,31"), ["tile_row is 0, tile_column 1", "tile_row is 2, tile_column 31"]),
        (("1,1", "1,1"), ["the same tile_row, tile_column as in line 2"]),
        (("1,dua", "1,1"), ["'tile_column' is 'dua', no whole number"]),
    ],
)
def test_tiles_of_the_map_are_whole_and_apart(folder, tiles, told):
    rows = [f"indonesia,,Indonesia,,{tiles[0]}", f"lain,,Lain,,{tiles[1]}"]
    header = "region_id,iso_3166_2,name,island_group,tile_row,tile_column"
    (folder / "regions.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    found = contradictions(folder)
    assert bool(found) == bool(told)
    assert all(words in report(folder, found) for words in told)
