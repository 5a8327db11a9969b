"""The team's seeds, as files: tables in the forms that people save, cycles, who reads which row.

Belongs here: reading seeds for Python. Doesn't: what seeds must agree on (expectations/seeds.py),
what they mean (dbt).
"""
