"""What a fingerprint takes in: all of our code that the figures, or the border's verdicts, rest on.

Belongs here: that no module is left out. Doesn't: what a run makes of it (test_cli.py).
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.cycles.fingerprints import BORDER_CODE, FIGURES_CODE, cycle_fingerprint
from orchestration.settings import REPOSITORY, Settings


def ours(module: str) -> Path | None:
    """The file of a module of this repository; None for any other name."""
    file = REPOSITORY / f"{module.replace('.', '/')}.py"
    return file if file.is_file() else None


def imported(file: Path) -> Iterator[Path]:
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names]
            if isinstance(node, ast.ImportFrom):
                names = [str(node.module), *(f"{node.module}.{name}" for name in names)]
            yield from filter(None, map(ours, names))


@pytest.mark.parametrize("code", [FIGURES_CODE, BORDER_CODE], ids=["figures", "border"])
def test_a_fingerprint_takes_in_every_module_that_its_code_imports(code: tuple[str, ...]):
    places = [REPOSITORY / part for part in code]
    assert [place for place in places if not place.exists()] == []
    files = [
        file for place in places for file in ([place] if place.is_file() else place.rglob("*.py"))
    ]
    left_out = {
        (file.name, str(found.relative_to(REPOSITORY)))
        for file in files
        if file.suffix == ".py"
        for found in imported(file)
        if not any(found.is_relative_to(place) for place in places)
    }
    assert left_out == set(), "add it to orchestration/cycles/fingerprints.py"


def test_pages_switched_on_or_another_map_are_something_new_to_publish(tmp_path: Path):
    outlines = tmp_path / "regions.geojson"
    outlines.write_text("{}", encoding="utf-8")
    of = {
        name: cycle_fingerprint(Settings(data_dir=tmp_path, **said), "ilk-2025-s1")
        for name, said in {
            "tables": {"pages": False},
            "pages": {"pages": True},
            "map": {"pages": True, "regions_geojson": outlines},
        }.items()
    }
    outlines.write_text('{"features": []}', encoding="utf-8")
    other = Settings(data_dir=tmp_path, pages=True, regions_geojson=outlines)
    of["other map"] = cycle_fingerprint(other, "ilk-2025-s1")
    assert len(set(of.values())) == len(of)
