"""What goes wrong around a run: killed, full, cut, hung, twice at once. `make faults` tries all.

Belongs here: faults, one function each, and what must hold after any of them. Doesn't: exports
that are damaged (tests/exports), files of ours damaged one by one (tests/test_damaged_files.py).
"""
