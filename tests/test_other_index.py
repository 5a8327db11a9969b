"""One data folder holds one index: seeds of another are refused at once, in a sentence."""

from dataclasses import replace
from pathlib import Path

import pytest

from orchestration.seeds.survey_cycles import read_cycles
from orchestration.settings import REPOSITORY
from orchestration.stages.other_index import OtherIndexError, demand_same_index
from tests.conftest import Sample, ilk


def test_seeds_of_another_index_are_refused_before_anything_is_read(own_sample):
    settings = own_sample(ILK_SEEDS_DIR=str(REPOSITORY / "examples" / "skm" / "seeds"))
    before = settings.published_dir.resolve(), settings.warehouse.stat().st_mtime_ns
    result = ilk("run", "skm-2020")
    assert result.exit_code == 2
    assert "memuat siklus yang tidak ada di" in result.output.replace("\n", " ")
    assert "Set ILK_DATA_DIR to a data folder of this index" in result.output
    assert "ilk-2025-s1, ilk-2025-s2" in result.output
    assert "starting" not in result.output
    assert before == (settings.published_dir.resolve(), settings.warehouse.stat().st_mtime_ns)


def test_a_cycle_of_the_same_id_in_another_index_is_a_stranger(sample: Sample, tmp_path: Path):
    cycles = read_cycles(sample.settings.seeds_dir)
    demand_same_index(sample.settings, cycles)
    others = [replace(cycle, index_id="skm") for cycle in cycles]
    with pytest.raises(OtherIndexError, match="ilk-2025-s1, ilk-2025-s2"):
        demand_same_index(sample.settings, others)
    empty = sample.settings.model_copy(update={"data_dir": tmp_path / "empty"})
    demand_same_index(empty, others)
