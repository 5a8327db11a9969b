"""The pages of a publication: static HTML, beside its tables (build.py).

Belongs here: which pages there are, templates, style, the little script that they can do without.
Doesn't: figures, charts, words (reading/).
"""
