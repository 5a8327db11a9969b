"""Checking a cycle's raw files at the border; those that passed are not asked twice.

Belongs here: what is handed to the border, when it looks again. Doesn't: what is demanded
(expectations/), Dagster's checks (orchestration/defs/quality.py).
"""

import logging
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import duckdb

from expectations.border import Border
from expectations.one_export import Numbers, ProfileError, Profilers
from expectations.raw_files import Cycle, method_parameter
from expectations.validation import Outcome
from orchestration.bounded_engine import BoundedEngine
from orchestration.cycles.fingerprints import border_fingerprint
from orchestration.cycles.state import BorderPassed, cycle_states
from orchestration.dbt_build import interrupts
from orchestration.exports.sources import SURVEY_RESPONSES_KIND
from orchestration.seeds.survey_cycles import find_cycle, read_cycles
from orchestration.settings import Settings
from orchestration.sharding.dealing import in_groups
from orchestration.sharding.runners import RunnerError, TaskError, of_exports
from orchestration.sharding.workplace import open_workplace
from orchestration.stages.blocking import note_blocking
from orchestration.stages.findings import StageError
from orchestration.stages.readings import demand_undamaged
from orchestration.survey_terms import PARAMETER_DEFAULTS

logger = logging.getLogger("ilk.quality")


@dataclass(frozen=True)
class Checked:
    """What the border says of a cycle's raw files, by suite, and what it wrote for people."""

    outcomes: Mapping[str, list[Outcome]]
    page: Path | None
    """The report; None where no rule had anything to judge."""
    failing_rows: Path | None
    """The list of what broke a rule; None where nothing did."""

    @property
    def blocked(self) -> str:
        """Return the sentences for which the cycle stops here, '' where it goes on."""
        return "\n".join(
            sentence
            for outcomes in self.outcomes.values()
            for outcome in outcomes
            if _blocks(outcome)
            for sentence in outcome.messages
        )


def check_exports(settings: Settings, cycle_id: str) -> Checked:
    """Demand of a cycle's raw files what the suites say."""
    here = _border(settings, cycle_id)
    key = here.check_pseudonym_key(is_set=settings.pseudonym_key is not None)
    found = _outcomes(settings, here)
    outcomes = {**found, "survey_responses": [key, *found["survey_responses"]]}
    blocking = (each.check for group in outcomes.values() for each in group if _blocks(each))
    note_blocking(settings, cycle_id, blocking)
    lists = here.failing_rows_file
    return Checked(
        outcomes=outcomes,
        page=here.page if here.page.is_file() else None,
        failing_rows=lists.with_suffix(".xlsx") if lists.is_file() else None,
    )


def _outcomes(settings: Settings, here: Border) -> Mapping[str, list[Outcome]]:
    """Return the outcomes of the suites: those of before where nothing they depend on changed."""
    states = cycle_states(settings)
    cycle_id = here.cycle.cycle_id
    current = border_fingerprint(settings, cycle_id)
    passed = states.border_passed(cycle_id)
    if passed is not None and passed.fingerprint == current:
        return {suite: [*map(_remembered, group)] for suite, group in passed.outcomes.items()}
    logger.info("%s: memeriksa ekspor / checking the exports", cycle_id)
    try:
        with interrupts():  # Dagster would hold Ctrl-C back until the checks end
            found = replace(here, profilers=_profilers(settings, here)).check()
    except RunnerError as error:
        raise StageError(str(error)) from error
    except (duckdb.Error, ProfileError, TaskError) as error:
        demand_undamaged(settings, cycle_id)
        if isinstance(error, duckdb.Error):
            raise
        raise StageError(_why(error, here)) from error
    if any(_blocks(outcome) for group in found.values() for outcome in group):
        states.forget_border([cycle_id])
    else:
        said = {suite: [asdict(outcome) for outcome in group] for suite, group in found.items()}
        states.pass_border(cycle_id, BorderPassed(current, said))
    return found


def _why(error: ProfileError | TaskError, here: Border) -> str:
    """Return the sentence of exports that can't be profiled: the one named, or all of a task."""
    words, where = str(error), ""
    if isinstance(error, TaskError):
        words = error.words.removeprefix(f"{ProfileError.__name__}: ")
        numbers = error.item if isinstance(error.item, tuple) else ()
        names = [file.name for file in here.files() if file.file_number in numbers]
        if not any(words.startswith(name) for name in names):
            where = of_exports(names)
    return (
        "memeriksa ekspor gagal, tidak ada yang terbit / checking the exports failed, nothing is "
        f"published: {words}{where}"
    )


def _profilers(settings: Settings, here: Border) -> Profilers | None:
    """Return who profiles the exports where it isn't this process: executors of Spark."""
    if settings.spark_master is None:
        return None
    place = open_workplace(settings)

    def run(task: Callable[[Numbers], None], rows: Mapping[int, int]) -> None:
        place.runner.map(task, in_groups(rows, settings.shards or 1) or ((),))

    raw_dir = settings.raw_dir
    if not settings.is_one_machine:
        files = here.files(SURVEY_RESPONSES_KIND)
        raw_dir = place.lend(raw_dir, here.cycle.cycle_id, (file.sha256 for file in files))
    return Profilers(
        raw_dir=raw_dir,
        engine=BoundedEngine(settings.memory_limit, place.folder / "checks"),
        run=run,
        engine_settings={"threads": 1},  # each core of an executor has a task of its own
    )


def _blocks(outcome: Outcome) -> bool:
    return outcome.severity == "critical" and not outcome.passed


def _remembered(value: Mapping[str, Any]) -> Outcome:
    lists = {name: tuple(value[name]) for name in ("messages", "examples")}
    return Outcome(**{**value, **lists})


def _border(settings: Settings, cycle_id: str) -> Border:
    cycle = find_cycle(read_cycles(settings.seeds_dir), cycle_id)

    def share(parameter: str) -> float:
        given = method_parameter(settings.seeds_dir, cycle.method_id, parameter)
        return float(PARAMETER_DEFAULTS[parameter]) if given is None else given

    return Border(
        raw_dir=settings.raw_dir,
        seeds_dir=settings.seeds_dir,
        export_files=settings.export_files,
        dbt_project_dir=settings.dbt_project_dir,
        quality_dir=settings.quality_dir,
        cycle=Cycle(
            cycle_id=cycle.cycle_id,
            instrument_id=cycle.instrument_id,
            opens_on=cycle.opens_on,
            closes_on=cycle.closes_on,
            previous_cycle_id=cycle.previous_cycle_id,
            is_over=cycle.status in ("closed", "final"),
        ),
        engine=settings.engine,
        max_off_scale_share=share("max_off_scale_share"),
        max_superseded_share=share("max_superseded_share"),
    )
