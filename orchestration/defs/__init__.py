"""Dagster objects and nothing else, one flat file a stage; all else is imported from beside it."""
