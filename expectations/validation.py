"""Runs a suite with Great Expectations and says of every rule what came of it.

Belongs here: the only import of great_expectations (1 CPU s; 2 without `imported_when_used`), so
that a run whose raw files were checked before pays nothing. Doesn't: rules (rules.py), frames
(response_profiles.py, file_profiles.py), the report (quality_report.py).
"""

import importlib
import logging
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from expectations.rules import Rule, Severity

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5  # failing rows that a message spells out; the count tells the rest


@dataclass(frozen=True)
class Outcome:
    """What became of one rule. `messages` are sentences for people, empty where it holds.

    Counts are of the frame's rows: columns of files, files, or rows of the staff frame.
    """

    check: str
    severity: Severity
    passed: bool
    messages: tuple[str, ...]
    failing_count: int
    judged_count: int = 0
    examples: tuple[dict[str, str], ...] = ()
    """File, row, column and cell of some rows that broke it, without identifiers."""


@dataclass(frozen=True)
class Validation:
    """A suite's outcomes, and the rows of the frame that failed by rule."""

    outcomes: list[Outcome]
    failing: dict[str, "pd.DataFrame"]


def validate(frame: "pd.DataFrame", rules: Sequence[Rule], *, suite: str) -> Validation:
    """Run the rules over a profile frame and return their outcomes in the same order.

    Raises:
        RuntimeError: an expectation could not be evaluated (a bug here, never bad data).
    """
    if frame.empty:
        return Validation([Outcome(rule.name, rule.severity, True, (), 0) for rule in rules], {})
    # Altair and scipy.stats are for one expectation that no rule uses, Spark for frames of its own.
    with imported_when_used("altair", "scipy.stats"), as_if_missing("pyspark", "py4j"):
        import great_expectations as gx
        from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    frame = frame.reset_index(drop=True)
    batch = (
        context.data_sources.add_pandas("profiles")
        .add_dataframe_asset(suite)
        .add_batch_definition_whole_dataframe("whole")
        .get_batch(batch_parameters={"dataframe": frame})
    )
    expectations = gx.ExpectationSuite(
        name=suite,
        expectations=[
            {
                "type": rule.expectation,
                "kwargs": {"column": rule.column, **rule.kwargs},
                "meta": {"rule": rule.name},
            }
            for rule in rules
        ],
    )
    result = batch.validate(expectations, result_format="COMPLETE")
    by_name: dict[str, object] = {}
    for each in result.results:
        meta = getattr(each.expectation_config, "meta", None) or {}
        by_name[meta["rule"]] = each
    failing = {rule.name: _failing(frame, rule, by_name[rule.name]) for rule in rules}
    outcomes = [_outcome(rule, failing[rule.name], len(frame)) for rule in rules]
    return Validation(outcomes, failing)


@contextmanager
def imported_when_used(*names: str) -> Iterator[None]:
    """Give what is imported meanwhile these modules, each loaded when something of it is used.

    Python's own LazyLoader loads at the import statement already, before 3.12. Modules that are
    loaded stay as they are.
    """
    waiting = [name for name in names if name not in sys.modules]
    sys.modules.update({name: _LoadedWhenUsed(name) for name in waiting})
    try:
        yield
    finally:
        for name in waiting:
            if isinstance(sys.modules.get(name), _LoadedWhenUsed):
                del sys.modules[name]  # others that import it later get the module itself


@contextmanager
def as_if_missing(*names: str) -> Iterator[None]:
    """Let what is imported meanwhile find that these are not installed, be they loaded or not."""
    loaded = {
        name: module for name, module in sys.modules.items() if name.partition(".")[0] in names
    }
    hidden = {*names, *loaded}
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None: as Python has it
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
        sys.modules.update(loaded)


class _LoadedWhenUsed(ModuleType):
    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  # whatever the module has
        if name.startswith("__"):  # the import machinery's questions are no use
            raise AttributeError(name)
        if isinstance(sys.modules.get(self.__name__), _LoadedWhenUsed):
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def _failing(frame: "pd.DataFrame", rule: Rule, result: object) -> "pd.DataFrame":
    exception = getattr(result, "exception_info", None) or {}
    if exception.get("raised_exception"):
        raise RuntimeError(f"rule {rule.name}: {exception.get('exception_message')}")
    found: list[int] = getattr(result, "result", {}).get("unexpected_index_list") or []
    return frame.iloc[found]


def _outcome(rule: Rule, failing: "pd.DataFrame", judged_count: int) -> Outcome:
    # A figure of the whole file stands in each of its rows: say it once.
    rows: list[dict[str, object]] = [
        {str(name): of for name, of in row.items()} for row in failing.to_dict("records")
    ]
    messages = list(dict.fromkeys(map(rule.message, rows)))
    shown = messages[:_SHOWN]
    if len(messages) > _SHOWN:
        more = len(messages) - _SHOWN
        shown.append(f"... dan {more} lagi / and {more} more")
    return Outcome(
        rule.name, rule.severity, not messages, tuple(shown), len(messages), judged_count
    )
