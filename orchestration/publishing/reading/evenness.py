"""What pages and reports say in words of a change of evenness.

Belongs here: a sentence of a comparison's row of idx_evenness_changes. Doesn't: its figures (the
model), what is compared (names.py).
"""

from orchestration.publishing.reading.book import Book
from orchestration.publishing.reading.language import Language


def evenness_change(
    book: Book, words: Language, cycle_id: str, between: str, *, name: str
) -> str | None:
    """Return whether the spread between domains, `name` in words, changed since the cycle before.

    By `tau`, on the reader's scale. None where the two cycles are not compared; a publication of an
    older version has no such table.
    """
    if not book.has_table("idx_evenness_changes"):
        return None
    row = book.one("idx_evenness_changes", cycle_id=cycle_id, between=between, measure="tau")
    if row is None:
        return None
    verdict = "unchanged"
    if row["is_changed"]:
        verdict = "grew" if row["delta"] > 0 else "shrank"
    before, now = (
        words.number(row[value] * book.scale.factor, book.scale.decimals)
        for value in ("value_previous", "value")
    )
    return words(
        f"evenness.{verdict}",
        previous=row["previous_cycle_id"],
        between=name,
        before=before,
        now=now,
    )
