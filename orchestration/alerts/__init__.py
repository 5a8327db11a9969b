"""Telling people: what is amiss, once and once when it is over, and each morning who is missing.

Belongs here: what is told to whom by which channel, and the memory of it. Doesn't: what is looked
at (health.py), whom it concerns in a publication (publishing/region_files.py), when it is asked.
"""
