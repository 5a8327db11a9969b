"""A form that is new: what the loader sees in its file, drafts of the seeds' rows that map it.

Belongs here: looking at a file before anything is configured, matching headings and values to the
seeds, form definitions, drafts and how they get into the seeds. Doesn't: reading exports
(orchestration/exports), what seeds must agree on (expectations/seed_rules.py).
"""
