"""Names and values as SQL text, where DuckDB takes no parameter.

Belongs here: quoting, and texts that spreadsheets would compute. Doesn't: queries; where a
parameter will do, use it.
"""


def as_name(identifier: str) -> str:
    """Return a table's or column's name in quotes; an export's headings hold anything."""
    return '"' + identifier.replace('"', '""') + '"'


def as_text(value: object) -> str:
    """Return a text, or a path, as a literal."""
    return "'" + str(value).replace("'", "''") + "'"


def formula_safe(text: str) -> str:
    """Return a text's SQL with an apostrophe before what a spreadsheet would compute."""
    return rf"if(regexp_matches({text}, '^[=+\-@\t\r\n]'), '''' || {text}, {text})"
