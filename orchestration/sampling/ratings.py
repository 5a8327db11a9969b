"""What respondents answer: a true quality that differs between units, regions, levels, services.

Belongs here: answers as codes. Doesn't: the words a tool writes for a code (export_files).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from orchestration.sampling.fieldwork import Fault, Responses
from orchestration.sampling.population import Staff
from orchestration.sampling.vocabulary import Question, Vocabulary

# Codes beside those of a scale, which are 1 and above.
BLANK = 0
NOT_AVAILABLE = -1
NOT_USED = -2
OFF_SCALE = -3

# The truth does not change with a sample's seed; it drifts from cycle to cycle.
_TRUTH_SEED = 3_81
_MEAN = 3.68  # on 1-4, before ratings are cut off at 4
_LEVEL = {"pusat": 0.1, "upt": -0.06}
_SELF_ASSESSMENT = {"pemberi": 0.12}
_PERSON_SPREAD = 0.35
_NOISE = 0.5
# What nobody can tell of a person's overall answer by what else he thinks.
_OVERALL_NOISE = 0.2


@dataclass(frozen=True)
class Truth:
    """How good services really are, and how often they give no occasion for a rating."""

    quality: NDArray[np.float32]
    """[provider unit, question]: on 1-4, before noise."""
    not_available: NDArray[np.float32]
    """[provider unit]: share of its services that a respondent does not have."""
    not_used: NDArray[np.float32]
    """[question]: share of respondents who have the service and did not use it."""
    self_assessment: NDArray[np.float32]
    """[role]: how much better this role sees the services."""
    drives: NDArray[np.float32]
    """[overall question, question]: what each adds to a person's overall answer; 0 of other
    audiences. Rows add up to 1, those of other questions to 0."""

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> "Truth":
        """Draw the truth of a cycle; all but a small drift is the same in every cycle."""
        rng = np.random.default_rng(_TRUTH_SEED)
        drift = np.random.default_rng([_TRUTH_SEED, vocabulary.cycle.opens_on.toordinal()])
        units = len(vocabulary.unit_ids)
        level = np.array([_LEVEL.get(level, 0.0) for level in vocabulary.unit_levels])
        unit = (
            _effects(rng, vocabulary.unit_regions, 0.12)
            + level
            + rng.normal(0, 0.14, units)
            + drift.normal(0.01, 0.05, units)
        )
        services = [question.service_id for question in vocabulary.questions]
        items = [question.item_id for question in vocabulary.questions]
        asked = (
            _effects(rng, services, 0.1)
            + _effects(rng, items, 0.08)
            + _effects(drift, services, 0.03)
        )
        return cls(
            quality=(_MEAN + unit[:, None] + asked[None, :]).astype(np.float32),
            not_available=rng.beta(1, 30, units).astype(np.float32),
            not_used=np.clip(0.05 + _effects(rng, items, 0.02), 0.01, 0.2).astype(np.float32),
            self_assessment=np.array(
                [_SELF_ASSESSMENT.get(role, 0.0) for role in vocabulary.roles], dtype=np.float32
            ),
            drives=_drives(vocabulary.questions),
        )


def stated_categories(
    vocabulary: Vocabulary, staff: Staff, responses: Responses
) -> NDArray[np.int8]:
    """Return the category each respondent states, which is not always the roster's."""
    mistaken = responses.faults == Fault.OTHER_CATEGORY
    categories = staff.categories[responses.persons] + mistaken.astype(np.int8)
    return np.where(categories < len(vocabulary.categories), categories, 0).astype(np.int8)


def rate(
    vocabulary: Vocabulary,
    staff: Staff,
    responses: Responses,
    truth: Truth,
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    """Return each response's codes, [response, question]."""
    units = staff.units[responses.persons]
    providers = vocabulary.providers[units]
    on_route = (providers >= 0) & vocabulary.hears[stated_categories(vocabulary, staff, responses)]
    number = np.arange(len(vocabulary.questions))
    quality = truth.quality[providers, number]
    quality += truth.self_assessment[staff.roles[responses.persons]][:, None]
    quality += rng.standard_normal((len(responses), 1), dtype=np.float32) * _PERSON_SPREAD
    quality += rng.standard_normal(quality.shape, dtype=np.float32) * _NOISE
    _sum_up(quality, providers >= 0, vocabulary, truth, rng)
    best_throughout = responses.faults == Fault.STRAIGHT_LINING
    quality[best_throughout] = 4
    codes = _on_scale(vocabulary, quality)
    chance = rng.random(codes.shape, dtype=np.float32)
    not_available = truth.not_available[providers]
    not_used = not_available + truth.not_used
    may_skip = ~best_throughout[:, None]
    codes[may_skip & (chance < not_used)] = NOT_USED
    codes[may_skip & (chance < not_available)] = NOT_AVAILABLE
    _break_off(codes, responses, rng)
    _leave_blank(codes, responses, rng)
    _stray(codes, on_route, responses, rng)
    return codes


def _drives(questions: tuple[Question, ...]) -> NDArray[np.float32]:
    """Draw how much each perspective of a service matters, the same in every cycle.

    It is drawn by itself: a sample of an instrument that asks nothing overall stays what it was.
    """
    rng = np.random.default_rng([_TRUTH_SEED, 1])
    cells = [f"{question.service_id} {question.perspective_id}" for question in questions]
    matters = rng.gamma(0.7, 1, len(set(cells)))[np.unique(cells, return_inverse=True)[1]]
    drives = np.zeros((len(questions), len(questions)), dtype=np.float32)
    for place, overall in enumerate(questions):
        if overall.asks == "overall":
            drives[place] = [
                weight * (other.asks == "performance" and other.audience_id == overall.audience_id)
                for other, weight in zip(questions, matters, strict=True)
            ]
    whole = drives.sum(axis=1, keepdims=True)
    shares: NDArray[np.float32] = np.divide(drives, whole, out=drives, where=whole > 0)
    return shares


def _sum_up(
    quality: NDArray[np.float32],
    has_provider: NDArray[np.bool_],
    vocabulary: Vocabulary,
    truth: Truth,
    rng: np.random.Generator,
) -> None:
    """Make overall answers of what the same person thinks of what he was asked, and some noise."""
    for place, question in enumerate(vocabulary.questions):
        if question.asks == "overall":
            weights = has_provider * truth.drives[place]
            whole = np.maximum(weights.sum(axis=1), 1e-9)
            quality[:, place] = (weights * quality).sum(axis=1) / whole
            quality[:, place] += rng.standard_normal(len(quality)) * _OVERALL_NOISE


def _on_scale(vocabulary: Vocabulary, quality: NDArray[np.float32]) -> NDArray[np.int8]:
    """Put quality on each question's own scale; where the worst is highest, turn it round."""
    lowest = np.array([question.scale_min for question in vocabulary.questions])
    highest = np.array([question.scale_max for question in vocabulary.questions])
    is_reversed = np.array([question.is_reverse_scored for question in vocabulary.questions])
    steps = (quality - 1) / 3 * (highest - lowest)
    ratings = np.clip(np.rint(lowest + steps), lowest, highest)
    codes: NDArray[np.int8] = np.where(is_reversed, lowest + highest - ratings, ratings).astype(
        np.int8
    )
    return codes


def _break_off(codes: NDArray[np.int8], responses: Responses, rng: np.random.Generator) -> None:
    """Empty everything after the page where a partial response stops."""
    for row in np.flatnonzero(responses.faults == Fault.PARTIAL):
        codes[row, rng.integers(0, codes.shape[1]) :] = BLANK


def _leave_blank(codes: NDArray[np.int8], responses: Responses, rng: np.random.Generator) -> None:
    """Empty an answer here and there, and most of them where few were given."""
    share = np.where(responses.faults == Fault.FEW_ANSWERS, 0.75, 0.01)
    codes[rng.random(codes.shape, dtype=np.float32) < share[:, None]] = BLANK


def _stray(
    codes: NDArray[np.int8],
    on_route: NDArray[np.bool_],
    responses: Responses,
    rng: np.random.Generator,
) -> None:
    """Empty what was not asked, but for strays; put a code on no scale into some answers."""
    strays = ~on_route & (rng.random(codes.shape, dtype=np.float32) < 0.15)
    strays &= (responses.faults == Fault.OFF_ROUTE)[:, None]
    codes[~on_route & ~strays] = BLANK
    for row in np.flatnonzero(responses.faults == Fault.OFF_SCALE):
        asked = np.flatnonzero(on_route[row])
        codes[row, rng.choice(asked, size=min(2, len(asked)), replace=False)] = OFF_SCALE


def _effects(
    rng: np.random.Generator, groups: list[str] | tuple[str, ...], spread: float
) -> NDArray[np.float64]:
    """Draw one effect a group, and return it for each member."""
    _, members = np.unique(np.array(groups), return_inverse=True)
    effects: NDArray[np.float64] = rng.normal(0, spread, members.max() + 1)[members]
    return effects
