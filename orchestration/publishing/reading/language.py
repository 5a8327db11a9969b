"""A language of pages and reports: its words, and how it writes numbers and days.

Belongs here: reading `languages/<code>.toml`. Doesn't: words of the command line (words.py), names
of services, units and bands, which are the seeds'. Another language is another file.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = Path(__file__).parent / "languages"
NONE = "–"


@dataclass(frozen=True)
class Language:
    """`words` are by `section.name`; `language(key, blank=...)` fills `{blank}` in them."""

    code: str
    words: Mapping[str, str]
    months: tuple[str, ...]
    decimal_mark: str
    group_mark: str

    def __call__(self, key: str, **blanks: object) -> str:
        """Return the words of a key, blanks filled. Raises KeyError where there are none."""
        return self.words[key].format(**blanks) if blanks else self.words[key]

    def has(self, key: str) -> bool:
        """Whether the catalogue has words for a key."""
        return key in self.words

    def coded(self, section: str, code: str) -> str:
        """Return the words of a code, `section.code`; one that has none speaks for itself."""
        return self.words.get(f"{section}.{code}", code.replace("_", " "))

    def name(self, row: Mapping[str, Any], column: str = "name") -> str:
        """Return the name in a published row, `name_<code>`; Indonesian where there is none."""
        return str(row.get(f"{column}_{self.code}") or row[f"{column}_id"])

    def number(self, value: float | None, decimals: int = 2) -> str:
        """Return a number as the language writes it, or a dash where there is none."""
        if value is None:
            return NONE
        text = f"{value:z,.{decimals}f}".replace("-", "\N{MINUS SIGN}")
        return text.translate({ord(","): self.group_mark, ord("."): self.decimal_mark})

    def signed(self, value: float | None, decimals: int = 2) -> str:
        """Return a difference with its sign."""
        if value is None:
            return NONE
        sign = "+" if value > 0 and round(value, decimals) else ""
        return sign + self.number(value, decimals)

    def percent(self, share: float | None, decimals: int = 0) -> str:
        """Return a share of 0-1 as a percentage."""
        return NONE if share is None else f"{self.number(100 * share, decimals)}%"

    def day(self, day: date | None) -> str:
        """Return a day with its month written out, 7 November 2025."""
        return NONE if day is None else f"{day.day} {self.months[day.month - 1]} {day.year}"


def languages() -> list[str]:
    """Return the codes of all languages, Indonesian first: it is the ministry's."""
    codes = sorted(path.stem for path in LANGUAGES.glob("*.toml"))
    return sorted(codes, key=lambda code: code != "id")


@cache
def language(code: str) -> Language:
    """Return a language by its code. Raises KeyError where there is no such catalogue."""
    path = LANGUAGES / f"{code}.toml"
    if not path.is_file():
        raise KeyError(f"no language {code!r}; there are: {', '.join(languages())}")
    content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    marks = content.pop("marks")
    words = {
        f"{section}.{name}": text
        for section, texts in content.items()
        for name, text in texts.items()
    }
    return Language(
        code=code,
        words=words,
        months=tuple(marks["months"]),
        decimal_mark=marks["decimal"],
        group_mark=marks["group"],
    )
