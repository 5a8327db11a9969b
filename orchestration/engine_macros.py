"""The warehouse's own SQL formulas, for queries over raw files: one formula, one place.

Belongs here: calling macros of dbt_project/macros/ outside dbt. Doesn't: formulas.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from orchestration.project_files import shipped

_DBT_PROJECT = shipped("dbt_project")
_FILES = ("engine.sql", "cells.sql", "responses.sql")


class EngineMacros:
    """The macros by name: `macros.trim_blanks("name")` is a piece of DuckDB's SQL.

    Pickled they are their text, which travels to whoever has no dbt project, or another one.
    """

    def __init__(self, project_dir: Path = _DBT_PROJECT) -> None:
        """`project_dir` is the dbt project."""
        self._text = _text(project_dir / "macros")

    def trim_blanks(self, text: str) -> str:
        """Return the text without blanks at its ends."""
        return self._call("trim_blanks", text)

    def fold_blanks(self, text: str) -> str:
        """Return the text trimmed, with every run of white space as one blank."""
        return self._call("fold_blanks", text)

    def keyed_hash(self, text: str, key: str) -> str:
        """Return the HMAC of a text under a key that `keyed_hash.hand_over` handed over."""
        return self._call("keyed_hash", text, key)

    def fold_value(self, text: str) -> str:
        """Return the text as values are compared: composed, small letters, blanks folded."""
        return self._call("fold_value", text)

    def plain_number(self, text: str) -> str:
        """Return a whole number as it is plainly written, any other text as it is."""
        return self._call("plain_number", text)

    def codes_of_values(self, values: str, codes: str) -> str:
        """Return the relation that says what each value of an export stands for."""
        return self._call("codes_of_values", values, codes)

    def normal_identifier(self, text: str, kind: str = "") -> str:
        """Return an identifier as the person is known by, however it is spelled."""
        return self._call("normal_identifier", text, kind)

    def plain_response_id(self, text: str) -> str:
        """Return a response id as it is compared: 12 for 0012 and 12,00."""
        return self._call("plain_response_id", text)

    def plain_count(self, text: str) -> str:
        """Return a count without its thousands separators, any other text as it is."""
        return self._call("plain_count", text)

    def is_summary_word(self, text: str) -> str:
        """Return whether a cell names a spreadsheet's total: Jumlah, Rata-rata, ..."""
        return self._call("is_summary_word", text)

    def parse_instant(self, text: str, timezone: str, date_order: str) -> str:
        """Return the instant in UTC that a tool's time names, NULL where it can't be read."""
        return self._call("parse_instant", text, timezone, date_order)

    def utc_to_local(self, instant: str, timezone: str) -> str:
        """Return the local time of a zone."""
        return self._call("utc_to_local", instant, f"'{timezone}'")

    def holds_identifier(self, text: str) -> str:
        """Return whether the text holds what may be an identifier or an address."""
        return self._call("holds_identifier", text)

    def without_identifiers(self, text: str) -> str:
        """Return the text with these replaced, cut to 100 characters."""
        return self._call("without_identifiers", text)

    def is_summary_row(
        self,
        *,
        own: Sequence[str],
        unit: str,
        is_unit_coded: str,
        first: str,
        shared: Sequence[str],
        maps_more: bool,
    ) -> str:
        """Return whether a row is a spreadsheet's total and no response; the cells are trimmed."""
        return self._call(
            "is_summary_row",
            list(own),
            unit,
            is_unit_coded,
            self._call("is_summary_word", first),
            list(shared),
            str(maps_more).lower(),
        )

    def _call(self, name: str, *arguments: str | list[str]) -> str:
        macro = getattr(_module(self._text), name)
        return f"({macro(*arguments)})"


@lru_cache(maxsize=1)
def _text(folder: Path) -> str:
    return "\n".join((folder / name).read_text(encoding="utf-8") for name in _FILES)


@lru_cache(maxsize=1)
def _module(text: str) -> object:
    from jinja2 import Environment

    environment = Environment(extensions=["jinja2.ext.do"], autoescape=False)
    return environment.from_string(text).module
