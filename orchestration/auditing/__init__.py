"""What an auditor asks: where does a figure come from, what became of a row, who ran what when.

Belongs here: walking from a score to its rows and back, the records of runs, finished cycles.
Doesn't: Dagster; computing what is published (models/).
"""
