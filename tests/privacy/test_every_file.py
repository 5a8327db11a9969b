"""No file of a publication holds a figure that disclosure control hid, whatever wrote the file.

Belongs here: the exact figures of hidden cells, looked for in every file. Doesn't: what follows
from figures that are shown (test_attacker.py): each file's figures are those of the published
tables, which tests of each target say.
"""

import re
import zipfile
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest

from orchestration.publishing.site.build import write_site
from orchestration.sql_text import as_text
from tests.conftest import Sample

DIGITS = 12
"""Decimals by which a figure is told from others: a shown score has at most three."""
_SIMPLE = 2000
"""A fraction of a denominator below this may be anything's."""
_NUMBER = re.compile(rb"\d+[.,]\d{%d,}(?:[eE][-+]?\d+)?" % DIGITS)
_FIGURES = ("score", "score_100", "se", "ci_low", "ci_high", "design_effect", "weight_share")


@pytest.fixture(scope="module")
def secrets(sample: Sample) -> set[float]:
    """The exact figures of cells whose score is hidden that no shown cell has too."""
    keys = "cycle_id, weighting_mode, domain_type, domain_id, component_type, service_id, "
    keys += "perspective_id, item_id"
    with duckdb.connect() as connection:
        connection.execute(f"attach '{sample.settings.warehouse}' as inside (read_only)")
        connection.execute(f"attach '{sample.database.resolve()}' as shown (read_only)")
        listed = ", ".join(_FIGURES)

        def figures(rows: str) -> set[float]:
            found = connection.execute(
                f"select distinct figure from (unpivot ({rows}) on {listed} "
                "into name f value figure)"
            ).fetchall()
            return {_cut(figure) for (figure,) in found}

        joined = " and ".join(
            f"exact.{key} is not distinct from published.{key}" for key in keys.split(", ")
        )
        rows = (
            "from inside.indexes.idx_scores as exact "
            f"inner join shown.idx_scores as published on {joined}"
        )
        exact = ", ".join(f"exact.{figure}" for figure in _FIGURES)
        hidden = figures(f"select {exact} {rows} where published.is_suppressed")
        open_ = figures(f"select {exact} {rows} where not published.is_suppressed")
        return {figure for figure in hidden - open_ if not _is_simple(figure)}


@pytest.fixture(scope="module")
def folder(sample: Sample, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample's publication, with the pages that its run left out."""
    pages = tmp_path_factory.mktemp("pages") / "site"
    write_site(sample.database.resolve(), pages)
    whole = pages.parent / "publication"
    whole.mkdir()
    (whole / "tables").symlink_to(sample.database.resolve().parent)
    (whole / "site").symlink_to(pages)
    return whole


def _is_simple(figure: float) -> bool:
    return abs(figure - float(Fraction(figure).limit_denominator(_SIMPLE))) < 1e-11


def _cut(figure: float) -> float:
    return float(f"{figure:.{DIGITS}f}")


def _told(path: Path) -> Iterator[float]:
    """Give every number of many decimals in a file."""
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        for column in table.columns:
            if column.type in ("double", "float"):
                yield from column.drop_null().to_pylist()
            else:
                yield from _in_text(" ".join(map(str, column.to_pylist())).encode())
    elif path.suffix == ".duckdb":
        with duckdb.connect(path, read_only=True) as connection:
            for name, column in connection.execute(
                "select table_name, column_name from duckdb_columns() where data_type = 'DOUBLE' "
                "and schema_name = 'main' and not internal"
            ).fetchall():
                values = connection.execute(f'select distinct "{column}" from "{name}"')
                yield from (value for (value,) in values.fetchall() if value is not None)
    elif zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for member in archive.namelist():
                yield from _in_text(archive.read(member))
    else:
        yield from _in_text(path.read_bytes())


def _in_text(text: bytes) -> Iterator[float]:
    for found in _NUMBER.findall(text):
        yield float(found.replace(b",", b"."))


def _leaks(folder: Path, secrets: set[float]) -> dict[str, list[float]]:
    found = {}
    files = [path for path in folder.glob("*/**/*") if path.is_file()]
    assert {path.suffix for path in files} >= {".duckdb", ".parquet", ".html", ".json"}
    for path in files:
        told = np.array([_cut(figure) for figure in _told(path) if abs(figure) < 1e9])
        if hit := secrets.intersection(told.tolist()):
            found[str(path.relative_to(folder))] = sorted(hit)[:3]
    return found


def test_no_file_holds_a_hidden_figure(folder: Path, secrets: set[float]):
    assert len(secrets) > 1000
    assert _leaks(folder, secrets) == {}


@pytest.mark.parametrize("name", ["page.html", "table.csv", "said.json", "book.xlsx"])
def test_one_hidden_figure_in_a_file_is_seen(tmp_path: Path, secrets: set[float], name: str):
    secret = max(secrets)
    path = tmp_path / name
    if name == "book.xlsx":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("sheet1.xml", f"<v>{secret!r}</v>")
    else:
        path.write_text(f"12;{secret!r};3,5", encoding="utf-8")
    assert secrets.intersection(map(_cut, _told(path))) == {secret}


PLACES = {"provider_unit": "unit_level_id", "provider_region_level": "unit_level_id"}


def test_which_rows_there_are_tells_nothing_of_who_answered(sample: Sample):
    """A missing row would tell that nobody answered, beside hidden ones that few did."""
    with duckdb.connect(sample.database, read_only=True) as shown:
        for table in ("idx_scores", "idx_coverage", "idx_changes"):
            for domain_type, alike in PLACES.items():
                rows = shown.execute(
                    f"""
                    select cycle_id, {alike}, count(distinct count), count(*)
                    from (
                        select cycle_id, domain_id, count(*) as count from {table}
                        where domain_type = '{domain_type}' group by all
                    )
                    inner join dim_domains using (cycle_id, domain_id)
                    where domain_type = '{domain_type}'
                    group by all
                    """
                ).fetchall()
                assert rows and {counts for *_, counts, _ in rows} == {1}, (table, rows)
                assert max(domains for *_, domains in rows) > 30
        told = shown.execute(
            """
            select count(*) from (
                select cycle_id, unit_id, null_reason from v_index_by_unit
                union all
                select cycle_id, unit_id, null_reason from v_service_perspective
            ) as units
            inner join fct_participation_units as participation
                using (cycle_id, unit_id)
            where units.null_reason = 'no_answers' and participation.role_id = 'penerima'
                and coalesce(participation.respondent_count, 1) > 0
            """
        ).fetchall()
        assert told == [(0,)], "where a few answered, none is told to have answered nothing"


def test_a_group_that_is_all_hidden_is_not_told_to_be_there(sample: Sample):
    groups = ("recipient_category", "gender", "age_group", "rank_group", "tenure_group")
    kinds = ", ".join(map(as_text, groups))
    with duckdb.connect(sample.database, read_only=True) as shown:
        hidden = shown.execute(
            f"select domain_id from idx_scores where domain_type in ({kinds}) "
            "and component_type = 'index' and is_suppressed"
        ).fetchall()
        listed = shown.execute(
            f"select domain_type, domain_id from dim_domains where domain_type in ({kinds}) "
            "except select domain_type, domain_id from idx_scores"
        ).fetchall()
    assert (hidden, listed) == ([], [])
