"""dbt's unit tests: formulas against numbers worked out by hand (the YAML beside each model).

Belongs here: running them. They stay out of a cycle's build, since they say nothing on its data.
"""

import shutil
from pathlib import Path

from orchestration.dbt_build import _invoke, _manifest
from orchestration.settings import Settings
from tests.conftest import SAMPLE_CYCLES, SAMPLE_SEEDS, Sample


def test_every_formula_gives_the_numbers_worked_out_by_hand(sample: Sample, tmp_path: Path) -> None:
    # dbt asks a warehouse for its columns, and locks it: a copy.
    shutil.copyfile(sample.settings.warehouse, tmp_path / "warehouse.duckdb")
    (tmp_path / "raw").symlink_to(sample.settings.raw_dir)
    settings = Settings(data_dir=tmp_path, seeds_dir=SAMPLE_SEEDS)
    manifest = _manifest(settings)
    ended = _invoke(
        settings,
        ["test", "--select", "resource_type:unit_test", "--log-level", "none"],
        cycle_id=SAMPLE_CYCLES[-1],
        manifest=manifest,
    )
    assert ended.exception is None
    results = {
        result.node.unique_id: result
        for result in ended.result.results
        if result.node.resource_type == "unit_test"
    }
    assert {name: of.message for name, of in results.items() if of.status != "pass"} == {}
    assert results.keys() == manifest.unit_tests.keys() != set()
