"""The stages of a cycle's run, without Dagster: what each decides, demands, refuses and remembers.

Belongs here: use cases that bring rooms together. Doesn't: reading, SQL, publishing itself, and
Dagster's objects, which translate what a stage came to (orchestration/defs).
"""
