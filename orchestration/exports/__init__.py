"""HOW raw data is got: found, kept byte for byte, read into Parquet as text. Imports no dagster.

Belongs here: listing the landing, telling formats apart, readers, the raw zone and its registry.
Doesn't: when a pull runs (orchestration/defs) and what a column means (models/staging).
"""
