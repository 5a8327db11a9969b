"""The people storey in shards: dealt by respondent, computed one by one, merged by exact sums.

Belongs here: how shards are dealt, run (in turn, in processes, on Apache Spark) and merged.
Doesn't: what is computed in one, which is the models' SQL, and all that comes after the merge.
"""
