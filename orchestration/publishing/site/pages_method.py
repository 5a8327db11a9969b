"""The page of the method: docs/method.md as it lies in the code that computed the figures.

Belongs here: rendering the document, and what the publication says of each cycle's method. Doesn't:
the method. A link to a document that isn't published becomes plain text.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from orchestration.project_files import shipped
from orchestration.publishing.reading.book import Book
from orchestration.publishing.reading.language import Language
from orchestration.publishing.site.page import Page, cycles_with

DOCUMENT = shipped("docs/method.md")
_OPEN_TABLE = '<div class="scroll" role="group" tabindex="0" aria-label="{}"><table>'


@dataclass(frozen=True)
class Document:
    """A rendered document without its title, and its sections: (anchor, heading) each."""

    html: Markup
    sections: tuple[tuple[str, str], ...]


def method_pages(book: Book, words: Language) -> Iterator[Page]:
    """Give the one page."""
    cycles = cycles_with(book, "fct_participation_units")
    schemes = dict.fromkeys(cycle.band_scheme_id for cycle in cycles)
    yield Page(
        "method.html",
        "method.html.j2",
        {
            "document": rendered(DOCUMENT),
            "cycles": cycles,
            "schemes": {
                scheme: sorted(
                    book.rows("dim_bands", band_scheme_id=scheme), key=lambda row: -row["lower_100"]
                )
                for scheme in schemes
            },
        },
    )


@cache
def rendered(path: Path) -> Document:
    """Render a Markdown file: headings have GitHub's anchors, wide tables a box of their own."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(path.read_text(encoding="utf-8"))
    if tokens and tokens[0].tag == "h1":
        tokens = tokens[3:]  # the page has its own
    sections = []
    heading = path.stem
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            heading = _plain(tokens[number + 1])
            token.attrSet("id", _anchor(heading))
            if token.tag == "h2":
                sections.append((_anchor(heading), heading))
        elif token.type == "table_open":
            token.attrSet("label", heading)
        elif token.type == "inline":
            token.children = _without_dead_links(token.children or [])
    markdown.add_render_rule("table_open", _table_open)
    markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")
    html = markdown.renderer.render(tokens, markdown.options, {})
    return Document(Markup(html), tuple(sections))


def _table_open(_: object, tokens: list[Token], index: int, *__: object) -> str:
    return str(Markup(_OPEN_TABLE).format(tokens[index].attrGet("label")))


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading, which the document's own links name."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _without_dead_links(tokens: list[Token]) -> list[Token]:
    kept, is_dead = [], False
    for token in tokens:
        if token.type == "link_open":
            is_dead = not str(token.attrGet("href")).startswith(("#", "https://"))
        if token.type not in ("link_open", "link_close") or not is_dead:
            kept.append(token)
    return kept
