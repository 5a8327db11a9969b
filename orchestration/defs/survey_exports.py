"""The raw zone: what a cycle's sources hold, pulled and kept as it came.

Belongs here: the partitions (one a survey cycle) and the assets around `pull_cycle`. Doesn't: how
exports are got and read (orchestration/exports).
"""

import logging
from collections.abc import Iterator

import dagster as dg

from orchestration.cycles import read_cycles
from orchestration.exports.landing import pull_cycle
from orchestration.settings import get_settings

logger = logging.getLogger("ilk.exports")

SURVEY_CYCLES = dg.StaticPartitionsDefinition(
    [cycle.cycle_id for cycle in read_cycles(get_settings().seeds_dir)]
)
SURVEY_RESPONSES = dg.AssetKey(["raw", "survey_responses"])
STAFF_FRAME = dg.AssetKey(["raw", "staff_frame"])
EXPORT_FILES = dg.AssetKey(["raw", "export_files"])
