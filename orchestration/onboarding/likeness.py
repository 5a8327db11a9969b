"""How much two texts are alike, for offers that a person takes or leaves.

Belongs here: the measure and the nearest of many. Doesn't: who may be offered what.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

LEAST = 0.6
"""Less alike, two questions of a form have hardly more in common than how they begin."""


@dataclass(frozen=True)
class Offer:
    """What may be meant, and how sure: 1 is the same to the letter."""

    target: str
    likeness: float
    text: str = ""
    """What it is called, where that is not the target itself."""

    @property
    def share(self) -> str:
        """The likeness in per cent: 100 % is the same to the letter, and nothing less."""
        return f"{int(100 * self.likeness)}%"


def nearest(
    text: str, candidates: Iterable[tuple[str, str]], *, count: int = 3, least: float = LEAST
) -> list[Offer]:
    """Return the candidates (target, text) that `text` is most alike to, the nearest first.

    Texts are compared as they are: fold them first. A target that has several texts is offered
    once, by the nearest.
    """
    # autojunk leaves out the commonest letters of any text over 200 characters: of every question.
    matcher = SequenceMatcher(autojunk=False)
    matcher.set_seq2(text)
    best: dict[str, Offer] = {}
    for target, candidate in candidates:
        matcher.set_seq1(candidate)
        if matcher.real_quick_ratio() < least or matcher.quick_ratio() < least:
            continue
        likeness = matcher.ratio()
        if likeness >= max(least, best[target].likeness if target in best else 0):
            best[target] = Offer(target, likeness, candidate)
    ranked: Sequence[Offer] = sorted(best.values(), key=lambda offer: -offer.likeness)
    return list(ranked[:count])
