"""What docs/bi.md asks of the views: the one place where its questions are collected.

Belongs here: reading them. Doesn't: running them (test_views.py in DuckDB, the tests of PostgreSQL
there).
"""

import re

from orchestration.settings import REPOSITORY

QUESTION = re.compile(r"^### ([^\n]+)\n(?:(?!```|^#)[^\n]*\n)*```sql\n(.*?)\n```", re.S | re.M)


def bi_questions() -> dict[str, str]:
    """Return the select of each question of docs/bi.md, by its heading."""
    text = (REPOSITORY / "docs" / "bi.md").read_text(encoding="utf-8")
    found = dict(QUESTION.findall(text))
    assert len(found) == text.count("```sql"), "each sql block of docs/bi.md has a heading ###"
    return found
