"""Data lineage: what a run read and wrote, and which columns a column is made of.

Belongs here: finding it out and telling it to other tools. Doesn't: an auditor's walk from a figure
to its answers (orchestration/auditing).
"""
