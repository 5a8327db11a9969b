"""WHEN things run, and the thin edges: exports in, publication out.

Belongs here: settings, the command line, Dagster's objects (defs) and the code they call (exports,
publishing, sampling). Doesn't: what the figures mean (models/) or what is demanded of data
(expectations/).
"""
