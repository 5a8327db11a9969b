"""What pages (site/) and reports (reports/) are both made of: figures, charts, words.

Belongs here: reading published tables (book.py), drawing (charts.py), languages. Doesn't: how a
page or a report is laid out. Nothing here opens the warehouse: what disclosure control hides can't
get onto a page.
"""
