"""What a change comes to, in words: better, worse, the same, or not known.

Belongs here: the sentence of a row of idx_changes for pages and reports. Doesn't: its size and
interval, which each of them says in its own way.
"""

from orchestration.publishing.reading.book import Row, Scale
from orchestration.publishing.reading.language import Language


def change_verdict(words: Language, scale: Scale, change: Row, *, ci_level: float) -> str:
    """Return the verdict; where it is not known, with the least change that could be shown."""
    if change["p_adjusted"] is None:
        said = words("verdict.untested")
    elif change["verdict"] == "unknown" and change["p_adjusted"] < 1 - ci_level:
        said = words("verdict.too_small")  # no chance, but perhaps less than min_practical_change
    elif change["verdict"] == "unknown":
        least = scale.of(change["minimum_detectable_change"])
        said = words("verdict.unknown", least=words.number(least, scale.decimals))
    else:
        said = words(f"verdict.{change['verdict']}")
    return said if change["is_same_method"] else f"{said}; {words('verdict.other_method')}"
