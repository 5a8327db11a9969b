"""An attacker on the publication: what of groups under `min_cell_n` can be worked out of it.

He reads published tables (published.py) and, as the worst case, knows all that is no rating: who
answered which question, who belongs where, weights and the score's tree (known.py). With counts
known, every score is linear in the sums of ratings of small groups of persons, so that linear
programs give the range that is left to each group (programs.py), and enumerating whole numbers what
figures at full precision tell beyond (knapsack.py). `attack.py` puts it together and compares with
the truth; `python -m tests.privacy.attacker` prints it.
"""
