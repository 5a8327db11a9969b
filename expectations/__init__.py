"""WHAT WE DEMAND of data that we don't control: one suite a raw table, as code.

Belongs here: profiles of raw Parquet, Great Expectations suites, what a failure says to a person.
Doesn't: Dagster (orchestration/defs/quality.py), and rules about single rows or answers (dbt).
"""
