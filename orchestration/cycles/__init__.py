"""A survey cycle before anything of it is computed: its seeds' rows, its hashes, its state.

Belongs here: which cycles there are, what their figures were made from, what became of them.
Doesn't: deciding what to do next (orchestration/stages), or doing it.
"""
