"""Where an axis begins and ends, and which ticks it has.

Belongs here: round numbers around what is drawn. Doesn't: drawing (charts.py), words.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import ceil, floor, log10

_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True)
class Axis:
    """Ends of an axis, and its ticks by value and words."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]


def axis(
    values: Iterable[float | None],
    number: Callable[[float, int], str],
    *,
    least: float | None = None,
    most: float | None = None,
    ticks: int = 5,
) -> Axis:
    """Return an axis of about so many ticks around values; `number` writes one with decimals.

    It ends at `least` and `most` where given (a scale's ends): none of its ticks lies beyond.
    Without values it is the whole scale, with one alone it is around that.
    """
    found = [value for value in values if value is not None] or [least or 0.0, most or 1.0]
    low, high = min(found), max(found)
    if high - low < 1e-9:
        low, high = low - 0.05, high + 0.05
    step = _step((high - low) / max(ticks - 1, 1))
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    if least is not None:
        first = max(first, ceil(least / step - 1e-9))
    if most is not None:
        last = min(last, floor(most / step + 1e-9))
    decimals = max(0, -floor(log10(step) + 1e-9))
    if round(step * 10**decimals, 9) % 1:
        decimals += 1  # steps of 0.25
    marks = [round(place * step, 9) for place in range(first, last + 1)]
    return Axis(
        low=min(marks[0], low) if least is None else max(min(marks[0], low), least),
        high=max(marks[-1], high) if most is None else min(max(marks[-1], high), most),
        ticks=tuple((mark, number(mark, decimals if mark else 0)) for mark in marks),
    )


def _step(rough: float) -> float:
    """Return the least of 1, 2, 2.5, 5 times a power of ten that is not below `rough`."""
    power: float = 10 ** floor(log10(rough))
    return next(step * power for step in _STEPS if step * power >= rough * (1 - 1e-9))
