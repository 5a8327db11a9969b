"""What pages and reports say in words of those who did not answer.

Belongs here: sentences of a domain's row of idx_nonresponse. Doesn't: its figures (the model).
"""

from statistics import NormalDist

from orchestration.publishing.reading.book import Book, Row
from orchestration.publishing.reading.language import Language


def nonresponse_rows(book: Book, cycle_id: str) -> list[Row]:
    """Return the nation's rows of whole variables, that of all groups first; [] where it has none.

    A publication of an older version has no such table.
    """
    if not book.has_table("idx_nonresponse"):
        return []
    rows = book.rows(
        "idx_nonresponse",
        cycle_id=cycle_id,
        domain_type="national",
        domain_id="national",
        part_id=None,
    )
    return sorted(rows, key=lambda row: (row["variable"] != "all", row["variable"]))


def nonresponse_sentences(book: Book, words: Language, cycle_id: str) -> list[str]:
    """Return what is to be known of the nation's nonresponse, a sentence each."""
    rows = nonresponse_rows(book, cycle_id)
    if not rows:
        return []
    row, scale = rows[0], book.scale

    def points(value: float) -> str:
        return words.number(abs(value) * scale.factor, scale.decimals)

    said = [words("nonresponse.rate", rate=words.percent(row["response_rate"], 1))]
    if row["r_indicator"] is not None:
        said.append(words("nonresponse.like", r=words.number(row["r_indicator"], 2)))
    if row["max_standardised_bias"] is not None:
        bias = words.number(row["max_standardised_bias"], 2)
        said.append(words("nonresponse.bias", bias=bias))
    if (tips := row["tipping_difference"]) is not None:
        key = "nonresponse.tips_lower" if tips > 0 else "nonresponse.tips_higher"
        said.append(words(key, size=points(tips)))
    if (late := row["late_minus_early"]) is not None:
        error = row["late_minus_early_se"]
        level = book.cycles[cycle_id].ci_level
        reach = "–" if error is None else points(NormalDist().inv_cdf((1 + level) / 2) * error)
        if points(late) == points(0):
            said.append(words("nonresponse.late_same", reach=reach))
        else:
            direction = words("nonresponse.higher" if late > 0 else "nonresponse.lower")
            said.append(
                words("nonresponse.late", size=points(late), direction=direction, reach=reach)
            )
    return said
