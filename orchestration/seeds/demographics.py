"""What is asked of respondents themselves, as `seeds/demographics.csv` lists it.

Belongs here: reading that one seed, and the attributes of a response that follow from it. Doesn't:
attributes of every survey (survey_terms.py), what answers mean (export_codes).
"""

from pathlib import Path

from orchestration.seeds.seed_tables import seed_records
from orchestration.survey_terms import ATTRIBUTES, CODED_ATTRIBUTES


def demographic_names(seeds_dir: Path) -> tuple[str, ...]:
    """Return the attributes that make a domain of their own beside the providers', in order."""
    return tuple(row["demographic_id"] for row in demographic_rows(seeds_dir))


def demographic_rows(seeds_dir: Path) -> list[dict[str, str]]:
    """Return the rows of the seed in their order."""
    rows = seed_records(seeds_dir, "demographics")
    return sorted(rows, key=lambda row: (_number(row["sort_order"]), row["demographic_id"]))


def _number(text: str) -> int:
    return int(text) if text.strip().isdecimal() else 0


def coded_attributes(seeds_dir: Path) -> tuple[str, ...]:
    """Return the attributes whose values export_codes may translate."""
    return tuple(dict.fromkeys((*CODED_ATTRIBUTES, *demographic_names(seeds_dir))))


def attributes(seeds_dir: Path) -> tuple[str, ...]:
    """Return all that export_columns may map a heading to, beside questions."""
    return tuple(dict.fromkeys((*ATTRIBUTES, *demographic_names(seeds_dir))))
