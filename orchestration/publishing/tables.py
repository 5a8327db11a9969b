"""Which tables of the warehouse are published.

Belongs here: the names, which Dagster shows before anything is computed. Doesn't: publishing them
(publication.py, which imports pandas).
"""

# One row a respondent, an answer, or a rejected one with the value that was given: whoever joins
# them to what they know of a colleague reads the colleague's ratings.
RESPONDENT_TABLES = ("fct_responses", "fct_answers", "audit_rejections")
# What leads back to a person. A table with one of these is refused, whatever its name.
RESPONDENT_COLUMNS = ("response_key", "respondent_key", "respondent_identifier", "_source_row")


def is_published(schema: str, table: str) -> bool:
    """Whether a table or view of the warehouse is part of each publication."""
    return schema in ("marts", "indexes") and table not in RESPONDENT_TABLES
