"""What cards of figures say that is the same for many of them, made once a language.

Belongs here: words of a cycle's method and bands, and the popover of its files, rendered once for
each depth of pages. Doesn't: the card of one figure (templates/figures.html.j2).
"""

from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup, escape

from orchestration.publishing.reading import walking
from orchestration.publishing.reading.book import Book, Cycle
from orchestration.publishing.reading.language import Language
from orchestration.publishing.site.page import cycle_page

_FILES_SHOWN = 12
"""Files that the popover names; the rest stand on the page of data quality."""


def card_globals(environment: jinja2.Environment, book: Book, words: Language) -> dict[str, Any]:
    """Return what templates of cards use besides a page's own content."""

    @cache
    def sources(cycle: Cycle, root: str) -> Markup:
        found = walking.sources_of(book, words, cycle.cycle_id)
        template = environment.get_template("sources.html.j2")
        return Markup(
            template.render(cycle=cycle, root=root, sources=found, files_shown=_FILES_SHOWN)
        )

    method = escape(words("figure.method"))
    return {
        "walking": walking,
        "sources": sources,
        "cycle_page": lambda cycle_id: cycle_page(book, cycle_id),
        "method_words": {
            cycle.cycle_id: Markup("<dt>{}<dd>{}: {}").format(
                method, cycle.method_id, words.coded("weighting", cycle.weighting_mode)
            )
            for cycle in book.cycles.values()
        },
        "band_names": {
            (row["band_scheme_id"], row["band"]): f"{row['band']}, {words.name(row, 'label')}"
            for row in book.rows("dim_bands")
        },
    }
