"""The sampler: repeatable, in the tools' own shapes, with every fault a cycle has."""

import csv
import io
import shutil
from collections import Counter
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from python_calamine import CalamineWorkbook

from orchestration.sampling import make_cycle
from orchestration.sampling.fieldwork import conduct
from orchestration.sampling.population import employ
from orchestration.sampling.ratings import Truth, rate
from orchestration.sampling.vocabulary import Vocabulary, read_vocabulary
from orchestration.scoring.relative_weights import johnson
from orchestration.seeds.survey_cycles import UnknownCycleError
from tests.conftest import SAMPLE_LANDING, SAMPLE_SEEDS

SEEDS = SAMPLE_SEEDS
CYCLE = "ilk-2025-s1"
TOOLS = ("limesurvey", "gform", "msform")
UNANSWERED = ("", "not_available", "not_used")


def make(out: Path, *, respondents: int = 3000, seed: int = 7, **options) -> Path:
    make_cycle(out, cycle_id=CYCLE, respondents=respondents, seed=seed, seeds_dir=SEEDS, **options)
    return out / CYCLE


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def seed_rows(name: str) -> list[dict[str, str]]:
    with (SEEDS / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def cycle(tmp_path_factory) -> Path:
    return make(tmp_path_factory.mktemp("landing"))


@pytest.fixture(scope="module")
def vocabulary() -> Vocabulary:
    return read_vocabulary(SEEDS, CYCLE, TOOLS)


@pytest.fixture(scope="module")
def responses(cycle) -> list[dict]:
    """Every response by target, as written, and the code of each of its labels under `codes`."""
    codes = {
        (row["profile_id"], row["target"], row["source_value"]): row["code"]
        for row in seed_rows("export_codes")
    }
    found = []
    for profile_id in TOOLS:
        targets = [
            row["target"] or row["source_column"]
            for row in seed_rows("export_columns")
            if row["profile_id"] == profile_id
        ]
        (path,) = (cycle / profile_id).iterdir()
        if path.suffix == ".xlsx":
            records = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()[1:]
        else:
            text = path.read_text(encoding="utf-8-sig")
            delimiter = ";" if profile_id == "limesurvey" else ","
            reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
            records = [record for record in reader if record][1:]
        for record in records:
            written = dict(zip(targets, record, strict=True))
            found.append(
                {
                    **written,
                    "profile_id": profile_id,
                    "codes": {
                        target: codes.get(
                            (profile_id, target, value), codes.get((profile_id, "*", value), value)
                        )
                        for target, value in written.items()
                    },
                }
            )
    return found


def instant(response: dict, attribute: str) -> datetime | None:
    written = response[attribute]
    if isinstance(written, datetime) or written == "":
        return written or None
    form = "%d/%m/%Y %H:%M:%S" if response["profile_id"] == "gform" else "%Y-%m-%d %H:%M:%S"
    return datetime.strptime(written, form)


def ratings(response: dict, vocabulary: Vocabulary) -> dict[str, float]:
    """Scores (method.md 1.1) of the answers that are on their question's scale."""
    scores = {}
    for question in vocabulary.questions:
        written = response["codes"][question.question_id]
        if written in UNANSWERED or not str(written).replace(".", "", 1).isdigit():
            continue
        code, low, high = float(written), question.scale_min, question.scale_max
        if low <= code <= high:
            score = 1 + 3 * (code - low) / (high - low)
            scores[question.question_id] = 5 - score if question.is_reverse_scored else score
    return scores


def routed(response: dict, vocabulary: Vocabulary) -> set[str]:
    codes = response["codes"]
    if codes["unit_id"] not in vocabulary.unit_ids:
        return set()
    if codes["recipient_category_id"] not in vocabulary.categories:
        return set()
    unit = vocabulary.unit_ids.index(codes["unit_id"])
    category = vocabulary.categories.index(codes["recipient_category_id"])
    return {
        question.question_id
        for number, question in enumerate(vocabulary.questions)
        if vocabulary.hears[category, number] and vocabulary.providers[unit, number] >= 0
    }


def test_the_same_arguments_give_the_same_bytes_workbook_included(tmp_path, cycle):
    assert contents(make(tmp_path)) == contents(cycle)


def test_another_seed_asks_other_people_of_the_same_staff(tmp_path, cycle):
    other = contents(make(tmp_path, seed=8))
    first = contents(cycle)
    assert other.keys() == first.keys()
    same = [name for name in first if first[name] == other[name]]
    assert same == ["staff_frame.csv"]


def test_limesurvey_files_have_remotecontrols_bytes(cycle):
    (path,) = (cycle / "limesurvey").iterdir()
    data = path.read_bytes()
    assert data.startswith(b'\xef\xbb\xbf"id";"submitdate";')
    assert data.endswith(b'"\r\n\r\n')
    assert b"\n" not in data.replace(b"\r\n", b"")


def test_google_files_have_line_feeds_and_quotes_only_where_needed(cycle):
    (path,) = (cycle / "gform").iterdir()
    data = path.read_bytes()
    assert data.startswith(b"Stempel waktu,Alamat email,")
    assert b"\r" not in data
    header = next(csv.reader(io.StringIO(data.decode("utf-8"), newline="")))
    assert any(heading != heading.strip() for heading in header)
    assert any("\n" in heading.strip() for heading in header)


def test_microsoft_files_have_real_dates_and_numbers(cycle):
    (path,) = (cycle / "msform").iterdir()
    header, first, *_ = CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python()
    assert isinstance(first[header.index("Start time")], datetime)
    assert first[header.index("Email")] == "anonymous"
    assert any(heading.endswith("\xa0") for heading in header)


def headings(path: Path) -> list[str]:
    if path.suffix == ".xlsx":
        return CalamineWorkbook.from_path(path).get_sheet_by_index(0).to_python(nrows=1)[0]
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next(csv.reader(file, delimiter=";" if path.parent.name == "limesurvey" else ","))


@pytest.mark.parametrize("committed", [None, "ilk-2025-s1", "ilk-2025-s2"])
def test_all_headings_are_the_seeds_after_folding_blanks(cycle, committed):
    folder = cycle if committed is None else SAMPLE_LANDING / committed
    for profile_id in TOOLS:
        (path,) = (folder / profile_id).iterdir()
        expected = [
            " ".join(row["source_column"].split())
            for row in seed_rows("export_columns")
            if row["profile_id"] == profile_id
        ]
        assert [" ".join(heading.split()) for heading in headings(path)] == expected


def test_some_persons_answer_twice_and_some_of_them_in_another_tool(responses):
    by_person: dict[str, set[str]] = {}
    counts = Counter(response["respondent_identifier"] for response in responses)
    for response in responses:
        by_person.setdefault(response["respondent_identifier"], set()).add(response["profile_id"])
    twice = [person for person, count in counts.items() if person and count == 2]
    assert len(twice) > 20
    assert any(len(by_person[person]) == 2 for person in twice)


def test_every_distinct_person_was_asked_for(responses):
    identifiers = {response["respondent_identifier"] for response in responses} - {""}
    without = sum(not response["respondent_identifier"] for response in responses)
    assert 3000 - without <= len(identifiers) <= 3000
    assert all(len(identifier) == 18 and identifier.isdigit() for identifier in identifiers)


@pytest.mark.parametrize(
    ("fault", "shows"),
    [
        ("a partial response", lambda r, v: r["submitted_at"] == ""),
        ("a test response", lambda r, v: r["codes"].get("is_test") == "true"),
        ("an unknown date", lambda r, v: r["submitted_at"] == "1980-01-01 00:00:00"),
        (
            "a late response",
            lambda r, v: (when := instant(r, "submitted_at")) and when.date() > v.cycle.closes_on,
        ),
        (
            "an early response",
            lambda r, v: (
                (when := instant(r, "submitted_at"))
                and date(1980, 1, 1) < when.date() < v.cycle.opens_on
            ),
        ),
        ("an unknown unit", lambda r, v: r["codes"]["unit_id"] not in v.unit_ids),
        (
            "an unknown category",
            lambda r, v: r["codes"]["recipient_category_id"] not in v.categories,
        ),
        ("a missing identifier", lambda r, v: r["respondent_identifier"] == ""),
        (
            "answers off the route",
            lambda r, v: (on := routed(r, v)) and ratings(r, v).keys() - on,
        ),
        (
            "a code off the scale",
            lambda r, v: any(
                str(r["codes"][q.question_id]) in ("A7", "Lainnya", "-oth-", "7")
                for q in v.questions
            ),
        ),
        (
            "straight-lining",
            lambda r, v: len(s := ratings(r, v)) >= 20 and len(set(s.values())) == 1,
        ),
        (
            "speeding",
            lambda r, v: (
                r["submitted_at"] != ""
                and "started_at" in r
                and r["submitted_at"] != "1980-01-01 00:00:00"
                and (instant(r, "submitted_at") - instant(r, "started_at")).total_seconds()
                < len(ratings(r, v))
            ),
        ),
        (
            "too few answers",
            lambda r, v: (on := routed(r, v)) and sum(r[q] != "" for q in on) < 0.5 * len(on),
        ),
        ("a blank", lambda r, v: any(r[q] == "" for q in routed(r, v))),
        ("not available", lambda r, v: "not_available" in r["codes"].values()),
        ("not used", lambda r, v: "not_used" in r["codes"].values()),
        (
            "a whole number written as 5.0",
            lambda r, v: any(r[q.question_id] == "5.0" for q in v.questions),
        ),
    ],
)
def test_each_fault_occurs_but_most_responses_lack_it(responses, vocabulary, fault, shows):
    share = sum(bool(shows(response, vocabulary)) for response in responses) / len(responses)
    # Skipped and not available services are no faults: most people meet one among 50 questions.
    most = 0.05 if fault not in ("a blank", "not available", "not used") else 0.98
    assert 0 < share < most, fault


def test_the_frame_counts_at_least_the_respondents_but_for_wrong_statements(cycle, responses):
    with (cycle / "staff_frame.csv").open(encoding="utf-8", newline="") as file:
        frame = list(csv.DictReader(file))
    staff: Counter[tuple[str, ...]] = Counter()
    for row in frame:
        staff[row["unit_id"], row["recipient_category_id"], row["role_id"]] += int(
            row["staff_count"]
        )
    assert sum(staff.values()) == 66_000
    assert {row["gender"] for row in frame} == {"L", "P"}
    seen = {
        (
            response["codes"]["unit_id"],
            response["codes"]["recipient_category_id"],
            response["codes"]["role_id"],
            response["respondent_identifier"],
        )
        for response in responses
        if response["respondent_identifier"]
    }
    respondents = Counter(row[:3] for row in seen)
    too_many = sum(count > staff[group] for group, count in respondents.items())
    assert too_many < 0.03 * len(respondents)


def test_a_large_export_is_split_into_files(tmp_path):
    folder = make(tmp_path, respondents=300, tools={"limesurvey": 1.0}, rows_per_file=100)
    assert [path.name for path in sorted((folder / "limesurvey").iterdir())] == [
        f"survei-{CYCLE}-{part}.csv" for part in range(1, 5)
    ]
    # A short last one would be of the late responses and little else.
    lengths = [len(path.read_bytes().splitlines()) for path in (folder / "limesurvey").iterdir()]
    assert min(lengths) > 0.9 * max(lengths)
    assert {path.name for path in folder.iterdir()} == {"limesurvey", "staff_frame.csv"}


def test_a_folder_that_holds_files_is_left_alone(tmp_path):
    folder = make(tmp_path, respondents=10)
    before = contents(folder)
    with pytest.raises(FileExistsError, match="not empty"):
        make(tmp_path, respondents=20)
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tools": {"kobo": 1.0}}, "has no source 'kobo'.*limesurvey, gform, msform"),
        ({"tools": {"limesurvey": 0.0}}, "one must be above 0"),
        ({"respondents": 0}, "at least 1"),
    ],
)
def test_a_wrong_argument_is_named_with_its_remedy(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        make(tmp_path, **options)


def test_an_unknown_cycle_is_refused_with_the_known_ones(tmp_path):
    with pytest.raises(UnknownCycleError, match="ilk-2025-s1"):
        make_cycle(tmp_path, cycle_id="x", respondents=1, seed=1, seeds_dir=SEEDS)


def test_an_overall_answer_is_made_of_what_matters_to_a_person(tmp_path, vocabulary):
    """Of the sample's instrument with one more question, which changes no other's truth."""
    seeds = tmp_path / "seeds"
    shutil.copytree(SEEDS, seeds)
    path = seeds / "questions.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    own = "ilk-2025,semua,semua,,,individu_pegawai,pusat,1,10,true,Secara keseluruhan?,overall"
    path.write_text("\n".join([f"{header},asks", *(f"{row}," for row in rows), own]), "utf-8")
    asking = read_vocabulary(seeds, CYCLE, TOOLS)
    truth = Truth.of(asking)
    staff = employ(asking, 3000)
    responses = conduct(
        asking,
        staff,
        respondents=3000,
        tool_shares=np.ones(len(TOOLS)) / len(TOOLS),
        rng=np.random.default_rng(7),
    )
    codes = rate(asking, staff, responses, truth, np.random.default_rng(7))
    heard = [
        place
        for place, question in enumerate(asking.questions)
        if question.audience_id == "individu_pegawai" and question.asks == "performance"
    ]
    ratings = pd.DataFrame(codes).where(codes > 0)
    cells = pd.Series(
        [f"{asking.questions[of].service_id} {asking.questions[of].perspective_id}" for of in heard]
    )
    means = ratings[heard].set_axis(cells, axis=1).T.groupby(level=0).mean().T
    matters = pd.Series(truth.drives[len(rows), heard]).groupby(cells).sum()
    # The worst has the highest code.
    every = means.assign(overall=-ratings[len(rows)]).corr().to_numpy()
    [explained] = johnson(every[np.newaxis])
    assert explained.sum() > 0.5
    assert np.corrcoef(explained, matters)[0, 1] > 0.8
    # Others' truth is what it is without.
    assert (Truth.of(vocabulary).drives == 0).all()
