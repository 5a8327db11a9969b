"""What models and Python must both know of a survey, as `vars` of dbt_project.yml state it.

Belongs here: the headline role, the attributes that every survey has, the defaults of parameters.
Doesn't: what a team's seeds say (seeds/), formulas that both use (engine_macros.py).
"""

from typing import Any

import yaml  # type: ignore[import-untyped]  # it ships no types

from orchestration.project_files import shipped

_PROJECT = shipped("dbt_project/dbt_project.yml")
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # in C ten times as fast, where built
_VARS: dict[str, Any] = yaml.load(_PROJECT.read_text(encoding="utf-8"), Loader=_LOADER)["vars"]

HEADLINE_ROLE: str = _VARS["headline_role"]
"""The role whose answers make the score (method.md 3)."""

CODED_ATTRIBUTES: tuple[str, ...] = tuple(_VARS["coded_attributes"])
"""Attributes whose values export_codes may translate, beside the demographics of the seeds."""

ATTRIBUTES: tuple[str, ...] = (*_VARS["attributes"], *CODED_ATTRIBUTES)
"""All that export_columns may map a heading to, beside those and questions."""

PARAMETER_DEFAULTS: dict[str, float] = _VARS["method_parameter_defaults"]
"""What holds where method_parameters is silent."""
