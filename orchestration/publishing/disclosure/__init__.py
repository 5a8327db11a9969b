"""Which cells of a cycle must be hidden, so that no published figure tells on a person.

Belongs here: the rule (method.md, "Disclosure") as a pure function, frames in and flags out
(verdicts.py). Doesn't: reading the warehouse (disclosure_cell_verdicts), blanking the figures
(shown_figures.py).

A cell is a domain (a unit, a region, ...) and a component (a service, an item, ...) of a cycle; the
weighting modes share it, since the same people stand behind both. A cell with fewer respondents
than `min_cell_n` is hidden. Answers add up, though: a level is the sum of its units, a service the
sum of its perspectives. So each published sum is a linear equation whose unknowns are the hidden
cells, and a hidden cell is exposed where all equations together have one solution for it. Further
cells are hidden, the smallest first, until none is exposed (hiding.py). Then those whose score
would confine few persons (bounds.py); where a cell is the only part of another, both are one there.
"""
