"""Who answers, when, through which tool, and which fault the response bears.

Belongs here: drawing responses. Doesn't: what they answer (ratings), how it is written
(export_files).
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from orchestration.sampling.population import Staff
from orchestration.sampling.vocabulary import Profile, Vocabulary

_HOUR = 3_600
_DAY = 24 * _HOUR
_SECOND_ANSWER_SHARE = 0.02


class Fault(IntEnum):
    """What is wrong with a response; each bears one at most."""

    NONE = 0
    PARTIAL = 1
    TEST = 2
    DATE_UNKNOWN = 3
    LATE = 4
    EARLY = 5
    UNKNOWN_UNIT = 6
    UNKNOWN_CATEGORY = 7
    OTHER_CATEGORY = 8
    NO_IDENTIFIER = 9
    FEW_ANSWERS = 10
    OFF_ROUTE = 11
    OFF_SCALE = 12
    STRAIGHT_LINING = 13
    SPEEDING = 14


# Shares of the responses of a tool that can show the fault. Our assumption.
_FAULT_SHARES = {
    Fault.PARTIAL: 0.03,
    Fault.TEST: 0.006,
    Fault.DATE_UNKNOWN: 0.006,
    Fault.LATE: 0.008,
    Fault.EARLY: 0.005,
    Fault.UNKNOWN_UNIT: 0.005,
    Fault.UNKNOWN_CATEGORY: 0.004,
    Fault.OTHER_CATEGORY: 0.006,
    Fault.NO_IDENTIFIER: 0.015,
    Fault.FEW_ANSWERS: 0.008,
    Fault.OFF_ROUTE: 0.01,
    Fault.OFF_SCALE: 0.006,
    Fault.STRAIGHT_LINING: 0.02,
    Fault.SPEEDING: 0.012,
}


@dataclass(frozen=True)
class Responses:
    """One element a response; times are seconds since 1970 on the wall clock of the profile."""

    persons: NDArray[np.int64]
    profiles: NDArray[np.int8]
    started: NDArray[np.int64]
    submitted: NDArray[np.int64]
    faults: NDArray[np.int8]

    def __len__(self) -> int:
        """Return the number of responses."""
        return len(self.persons)

    def of_profile(self, number: int) -> "Responses":
        """Return one tool's responses in the order in which they were submitted."""
        chosen = np.flatnonzero(self.profiles == number)
        return self[chosen[np.argsort(self.submitted[chosen], kind="stable")]]

    def __getitem__(self, index: NDArray[np.int64] | slice) -> "Responses":
        """Return some responses, in the order of the index."""
        return Responses(
            self.persons[index],
            self.profiles[index],
            self.started[index],
            self.submitted[index],
            self.faults[index],
        )


def conduct(
    vocabulary: Vocabulary,
    staff: Staff,
    *,
    respondents: int,
    tool_shares: NDArray[np.float64],
    rng: np.random.Generator,
) -> Responses:
    """Draw the responses of `respondents` persons; some answer twice, in whichever tool.

    Raises ValueError where the shares of the tools are negative or sum to 0.
    """
    if (tool_shares < 0).any() or tool_shares.sum() <= 0:
        raise ValueError("The tools' shares must not be negative, and one must be above 0.")
    persons = _respondents(vocabulary, staff, respondents, rng)
    started = _starts(vocabulary, len(persons), rng)
    again = rng.random(len(persons)) < _SECOND_ANSWER_SHARE
    closes = _midnight(vocabulary.cycle.closes_on.isoformat()) + 21 * _HOUR
    later = started[again] + _HOUR
    later += (rng.random(len(later)) * np.maximum(closes - later, 0)).astype(np.int64)
    persons = np.concatenate([persons, persons[again]])
    started = np.concatenate([started, later])
    shares = np.cumsum(tool_shares / tool_shares.sum())[:-1]
    profiles = np.searchsorted(shares, rng.random(len(persons)), side="right").astype(np.int8)
    minutes = np.clip(rng.lognormal(np.log(13), 0.45, len(persons)), 4, 55)
    responses = Responses(
        persons=persons,
        profiles=profiles,
        started=started,
        submitted=started + (60 * minutes).astype(np.int64),
        faults=_faults(vocabulary.profiles, profiles, rng),
    )
    return _mistimed(vocabulary, responses, rng)


def _respondents(
    vocabulary: Vocabulary, staff: Staff, respondents: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw persons without replacement; units and categories differ in how eager they are."""
    unit_eagerness = rng.lognormal(sigma=0.6, size=len(vocabulary.unit_ids))
    category_eagerness = rng.lognormal(sigma=0.3, size=len(vocabulary.categories))
    eagerness = unit_eagerness[staff.units] * category_eagerness[staff.categories]
    # Exponential clocks: the first to ring are a sample with these odds.
    clocks = rng.exponential(size=len(staff)) / eagerness
    return np.sort(np.argpartition(clocks, respondents - 1)[:respondents])


def _starts(vocabulary: Vocabulary, size: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw starting times: office hours, few on weekends, many at both ends of the window."""
    cycle = vocabulary.cycle
    days = np.arange((cycle.closes_on - cycle.opens_on).days + 1)
    shares = np.where((cycle.opens_on.weekday() + days) % 7 < 5, 1.0, 0.15)
    shares[:5] *= 2.0
    shares[-5:] *= 2.5
    drawn = rng.choice(days, size=size, p=shares / shares.sum())
    hours = np.clip(rng.normal(11.5, 2.8, size), 6, 21)
    return _midnight(cycle.opens_on.isoformat()) + drawn * _DAY + (hours * _HOUR).astype(np.int64)


def _faults(
    profiles: tuple[Profile, ...], numbers: NDArray[np.int8], rng: np.random.Generator
) -> NDArray[np.int8]:
    """Draw at most one fault a response, among those that its tool can show."""
    shown = {
        Fault.PARTIAL: [profile.tool == "limesurvey" for profile in profiles],
        Fault.DATE_UNKNOWN: [profile.tool == "limesurvey" for profile in profiles],
        Fault.TEST: [profile.has("is_test") for profile in profiles],
        Fault.SPEEDING: [profile.has("started_at") for profile in profiles],
    }
    kinds = list(_FAULT_SHARES)
    cuts = np.cumsum([_FAULT_SHARES[kind] for kind in kinds])
    drawn = np.searchsorted(cuts, rng.random(len(numbers)), side="right")
    faults = np.array([*kinds, Fault.NONE], dtype=np.int8)[drawn]
    for kind, by_profile in shown.items():
        faults[(faults == kind) & ~np.array(by_profile)[numbers]] = Fault.NONE
    return faults


def _mistimed(vocabulary: Vocabulary, responses: Responses, rng: np.random.Generator) -> Responses:
    """Move the early and the late out of the window, and hurry those who speed."""
    submitted = responses.submitted.copy()
    started = responses.started.copy()
    cycle = vocabulary.cycle
    for fault, first_day in (
        (Fault.LATE, cycle.closes_on + timedelta(days=1)),
        (Fault.EARLY, cycle.opens_on - timedelta(days=4)),
    ):
        those = np.flatnonzero(responses.faults == fault)
        duration = submitted[those] - started[those]
        started[those] = (
            _midnight(first_day.isoformat())
            + rng.integers(0, 4, len(those)) * _DAY
            + rng.integers(8 * _HOUR, 17 * _HOUR, len(those))
        )
        submitted[those] = started[those] + duration
    hurried = np.flatnonzero(responses.faults == Fault.SPEEDING)
    submitted[hurried] = started[hurried] + rng.integers(5, 11, len(hurried))
    return replace(responses, started=started, submitted=submitted)


def _midnight(day: str) -> int:
    return int(np.datetime64(day, "s").astype(np.int64))
