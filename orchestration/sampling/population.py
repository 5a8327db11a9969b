"""The staff of the ministry: who works where, and how many of whom the staff frame counts.

Belongs here: drawing persons and counting them. Doesn't: who answers (fieldwork).
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from orchestration.sampling.vocabulary import Vocabulary

# The staff do not change with a sample's seed, so that two cycles survey the same people.
_POPULATION_SEED = 20241021
_USUAL_STAFF = 66_000
_STAFF_PER_RESPONDENT = 1.25  # above the usual size, four of five answer

# How many times more often a code occurs than one that is not named here. Our assumption.
_FREQUENCIES = {
    "pengampu_tusi": 2.0,
    "individu_pegawai": 12.0,
    "keduanya": 3.0,
    "penerima": 17.0,
    "pemberi": 3.0,
    "L": 2.0,
    "iii": 3.0,
    "i_ii": 2.5,
    "30_39": 2.0,
    "40_49": 1.6,
}
_STAFF_OF_LEVEL = {"pusat": 6.0, "wilayah": 2.4}


@dataclass(frozen=True)
class Staff:
    """One element a person; positions in the vocabulary's tuples."""

    units: NDArray[np.int32]
    categories: NDArray[np.int8]
    roles: NDArray[np.int8]
    demographics: dict[str, NDArray[np.int8]]
    identifiers: NDArray[np.int64]
    """NIP, 18 digits: date of birth, month of appointment, gender, serial number."""

    def __len__(self) -> int:
        """Return the number of persons."""
        return len(self.units)


def employ(vocabulary: Vocabulary, respondents: int) -> Staff:
    """Draw the staff: 66,000, or more where so many respondents need a larger ministry."""
    rng = np.random.default_rng(_POPULATION_SEED)
    size = max(_USUAL_STAFF, round(_STAFF_PER_RESPONDENT * respondents))
    unit_sizes = np.array([_STAFF_OF_LEVEL.get(level, 1.0) for level in vocabulary.unit_levels])
    unit_sizes *= rng.lognormal(sigma=0.5, size=len(unit_sizes))
    units = np.repeat(
        np.arange(len(unit_sizes), dtype=np.int32),
        rng.multinomial(size, unit_sizes / unit_sizes.sum()),
    )
    demographics = {
        attribute: _draw(rng, vocabulary.demographics[attribute], size)
        for attribute in vocabulary.demographics
    }
    return Staff(
        units=units,
        categories=_draw(rng, vocabulary.categories, size),
        roles=_draw(rng, vocabulary.roles, size),
        demographics=demographics,
        identifiers=_identifiers(rng, demographics["gender"]),
    )


def write_staff_frame(path: Path, vocabulary: Vocabulary, staff: Staff) -> Path:
    """Write how many persons each unit, category, role and gender has, and return the path."""
    cells = np.stack(
        [staff.units, staff.categories, staff.roles, staff.demographics["gender"]], axis=1
    )
    groups, counts = np.unique(cells, axis=0, return_counts=True)
    genders = vocabulary.demographics["gender"]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["unit_id", "recipient_category_id", "role_id", "gender", "staff_count"])
        writer.writerows(
            [
                vocabulary.unit_ids[unit],
                vocabulary.categories[category],
                vocabulary.roles[role],
                genders[gender] if genders else "",
                count,
            ]
            for (unit, category, role, gender), count in zip(
                groups.tolist(), counts.tolist(), strict=True
            )
        )
    return path


def _draw(rng: np.random.Generator, codes: Sequence[str], size: int) -> NDArray[np.int8]:
    if not codes:
        return np.zeros(size, dtype=np.int8)
    frequencies = np.array([_FREQUENCIES.get(code, 1.0) for code in codes])
    shares = np.cumsum(frequencies / frequencies.sum())
    drawn = np.searchsorted(shares, rng.random(size), side="right")
    return np.minimum(drawn, len(codes) - 1).astype(np.int8)


def _identifiers(rng: np.random.Generator, genders: NDArray[np.int8]) -> NDArray[np.int64]:
    """Return unique NIPs; the serial number tells those of one birthday and appointment apart."""
    size = len(genders)
    birthdays = np.datetime64("1967-01-01", "D") + rng.integers(0, 34 * 365, size)
    birth_months = birthdays.astype("datetime64[M]")
    months = birth_months.astype(np.int64)
    born = _year_and_month(months) * 100 + (birthdays - birth_months).astype(np.int64) + 1
    appointed = _year_and_month(months + rng.integers(20 * 12, 30 * 12, size))
    prefixes = (born * 1_000_000 + appointed) * 10 + genders + 1
    order = np.argsort(prefixes, kind="stable")
    in_order = prefixes[order]
    serials = np.empty(size, dtype=np.int64)
    serials[order] = np.arange(size) - np.searchsorted(in_order, in_order) + 1
    identifiers: NDArray[np.int64] = prefixes * 1_000 + serials
    return identifiers


def _year_and_month(months: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return months since January 1970 as the number YYYYMM."""
    digits: NDArray[np.int64] = (1970 + months // 12) * 100 + months % 12 + 1
    return digits
