"""Great Expectations at work: a frame and its rules in, one outcome a rule out.

Belongs here: the only import of great_expectations (6 s, so inside the function that needs it).
Doesn't: what is demanded (rules.py) or what a frame holds (profiles.py).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from expectations.rules import Rule, Severity

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 5  # failing rows that a message spells out; the count tells the rest


@dataclass(frozen=True)
class Outcome:
    """What became of one rule. `messages` are sentences for people, empty where it holds."""

    check: str
    severity: Severity
    passed: bool
    messages: tuple[str, ...]
    failing_count: int


def validate(frame: "pd.DataFrame", rules: Sequence[Rule], *, suite: str) -> list[Outcome]:
    """Run the rules over a profile frame and return their outcomes in the same order.

    Raises:
        RuntimeError: an expectation could not be evaluated (a bug here, never bad data).
    """
    if frame.empty:
        return [Outcome(rule.name, rule.severity, True, (), 0) for rule in rules]
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    batch = (
        context.data_sources.add_pandas("profiles")
        .add_dataframe_asset(suite)
        .add_batch_definition_whole_dataframe("whole")
        .get_batch(batch_parameters={"dataframe": frame.reset_index(drop=True)})
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
    results = batch.validate(expectations, result_format="COMPLETE").results
    by_name: dict[str, object] = {}
    for result in results:
        meta = getattr(result.expectation_config, "meta", None) or {}
        by_name[meta["rule"]] = result
    return [_outcome(frame, rule, by_name[rule.name]) for rule in rules]


def _outcome(frame: "pd.DataFrame", rule: Rule, result: object) -> Outcome:
    exception = getattr(result, "exception_info", None) or {}
    if exception.get("raised_exception"):
        raise RuntimeError(f"rule {rule.name}: {exception.get('exception_message')}")
    found: list[int] = getattr(result, "result", {}).get("unexpected_index_list") or []
    rows = frame.reset_index(drop=True).iloc[found].to_dict("records")
    # A figure of the whole file stands in each of its rows: say it once.
    messages = list(dict.fromkeys(rule.sentence.format_map(row) for row in rows))
    shown = messages[:_SHOWN]
    if len(messages) > _SHOWN:
        shown.append(f"... and {len(messages) - _SHOWN} more like these.")
    return Outcome(rule.name, rule.severity, not messages, tuple(shown), len(messages))
