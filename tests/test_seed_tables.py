"""Seeds as people save them: by content, whichever way a spreadsheet wrote them."""

import csv
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from expectations.seed_rules import OPTIONAL_COLUMNS
from expectations.seeds import contradictions, report
from orchestration.exports.seed_files import read_reader_settings, read_sources
from orchestration.seeds.seed_tables import SeedFileError, declared_seeds, read_seed, seed_records
from orchestration.seeds.survey_cycles import read_cycles
from orchestration.settings import Settings
from tests.conftest import SAMPLE_CYCLES, SAMPLE_SEEDS, ilk
from tests.test_cli import scores

ILK = SAMPLE_SEEDS
NUMBERS = {"weight", "lower_100", "upper_100", "target_score", "value"}


def as_excel_saves(path: Path) -> None:
    """Save a seed as Excel does under an Indonesian locale."""
    types = declared_seeds()[path.stem]
    header, *rows = csv.reader(io.StringIO(path.read_text(encoding="utf-8"), newline=""))

    def cell(column: str, value: str) -> str:
        if types[column] == "date":
            return re.sub(r"(\d{4})-(\d\d)-(\d\d)", r"\3/\2/\1", value)
        if column in NUMBERS:
            return value.replace(".", ",")
        return value.upper() if column.startswith("is_") else value

    text = io.StringIO()
    writer = csv.writer(text, delimiter=";", lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows([cell(*each) for each in zip(header, row, strict=True)] for row in rows)
    writer.writerows([[""] * len(header)] * 2)
    path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")


@pytest.fixture
def excel_seeds(tmp_path: Path) -> Path:
    seeds = tmp_path / "seeds"
    shutil.copytree(ILK, seeds)
    for path in seeds.glob("*.csv"):
        as_excel_saves(path)
    return seeds


def test_every_reader_reads_what_excel_saved_as_what_it_was(excel_seeds: Path):
    assert "30/05/2025" in (excel_seeds / "survey_cycles.csv").read_text(encoding="utf-8")
    assert contradictions(excel_seeds) == []
    for path in ILK.glob("*.csv"):
        assert seed_records(excel_seeds, path.stem) == seed_records(ILK, path.stem), path.stem
        assert read_seed(excel_seeds / path.name).as_csv() == path.read_text(encoding="utf-8")
    assert read_cycles(excel_seeds) == read_cycles(ILK)
    assert read_sources(excel_seeds) == read_sources(ILK)
    assert read_reader_settings(excel_seeds) == read_reader_settings(ILK)


def test_no_figure_moves_by_how_seeds_are_saved(
    own_sample: Callable[..., Settings], tmp_path: Path, recwarn: pytest.WarningsRecorder
):
    """Excel saved them, without optional columns and with the others in another order."""
    seeds = tmp_path / "seeds"
    shutil.copytree(ILK, seeds)
    for path in seeds.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows, header = list(reader), reader.fieldnames or []
        optional = OPTIONAL_COLUMNS.get(path.stem, ())
        columns = [column for column in reversed(header) if column not in optional]
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)
        as_excel_saves(path)
    before = scores(own_sample())
    settings = own_sample(ILK_SEEDS_DIR=str(seeds))
    result = ilk("run", SAMPLE_CYCLES[-1])
    assert result.exit_code == 0, result.output
    assert result.output.count("menghitung") == len(SAMPLE_CYCLES), result.output
    assert scores(settings) == before
    assert not [warning for warning in recwarn if "any column" in str(warning.message)]


QUESTIONS = "instrument_id;is_reverse_scored;question_text\r\n"


@pytest.mark.parametrize(
    ("seed", "text", "column", "read"),
    [
        ("questions", QUESTIONS + "i;FALSE;a\r\n;;\r\n", "is_reverse_scored", ["false"]),
        ("questions", QUESTIONS + "i;True;a\r\n", "is_reverse_scored", ["true"]),
        ("questions", QUESTIONS + "i;SALAH;TRUE\r\n", "question_text", ["TRUE"]),
        ("index_weights", "method_id;weight\nm;0,25\n", "weight", ["0.25"]),
        ("index_weights", "method_id;weight\nm;0.25\n", "weight", ["0.25"]),
        ("index_weights", "method_id\tweight\nm\t1,000\n", "weight", ["1.000"]),
        ("index_weights", 'method_id,weight\nm,"0,25"\n', "weight", ["0.25"]),
        ("method_parameters", "method_id;value\nm;0,6666666\n", "value", ["0.6666666"]),
        ("survey_cycles", "opens_on;x\n05/06/2026;\n", "opens_on", ["2026-06-05"]),
        ("survey_cycles", "opens_on;x\n5-6-2026;\n", "opens_on", ["2026-06-05"]),
        ("survey_cycles", "opens_on,x\n05/06/2026,\n31/05/2026,\n", "opens_on",
         ["2026-06-05", "2026-05-31"]),
        # Between commas nothing tells day from month, and 05/31 is no day: left, and reported.
        ("survey_cycles", "opens_on,x\n05/06/2026,\n", "opens_on", ["05/06/2026"]),
        ("survey_cycles", "opens_on;x\n05/31/2026;\n", "opens_on", ["05/31/2026"]),
        ("survey_cycles", "cycle_id;reports\nc;BENAR\n", "reports", ["true"]),
        ("regions", "region_id;name_id;;\nr;R;;\n", "name_id", ["R"]),
        ("regions", "region_id;name_id\n\n;\nr;R\n", "name_id", ["R"]),
    ],
)  # fmt: skip
def test_a_cell_is_read_as_the_spreadsheet_meant_it(
    tmp_path: Path, seed: str, text: str, column: str, read: list[str]
):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / f"{seed}.csv").write_text(text, encoding=encoding, newline="")
        assert [row[column] for row in seed_records(tmp_path, seed)] == read, encoding


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("method_parameters", "bootstrap_replicates;200", "bootstrap_replicates;1.000"),
        ("index_weights", "0,25", "1.250"),
        ("survey_cycles", "30/05/2025", "05/30/2025"),
    ],
    ids=["thousands or decimals", "the same of a weight", "month first"],
)
def test_what_could_mean_two_things_is_told_and_not_guessed(
    excel_seeds: Path, name: str, old: str, new: str
):
    path = excel_seeds / f"{name}.csv"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    told = report(excel_seeds, contradictions(excel_seeds))
    assert f"'{new.split(';')[-1]}'" in told


def test_a_seed_that_is_no_table_is_a_sentence_in_both_languages(tmp_path: Path):
    path = tmp_path / "roles.csv"
    with pytest.raises(SeedFileError, match=r"berkas tidak ada.* / the file is missing"):
        read_seed(path)
    path.write_bytes("role_id;name_id\nr;é\n".encode("cp1252"))
    with pytest.raises(SeedFileError, match="Save it as CSV UTF-8"):
        read_seed(path)
    path.write_text('role_id,name_id\nr,"x\n', encoding="utf-8")
    with pytest.raises(SeedFileError, match=r"roles.csv, baris / line 2: .*Close the quotation"):
        read_seed(path)
