"""What is known of a cycle between its runs: what its figures were made from, what became of it.

Belongs here: hashes of inputs, the record of states. Doesn't: deciding what to do next
(orchestration/stages), or doing it.
"""
