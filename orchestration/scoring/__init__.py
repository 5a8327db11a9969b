"""What SQL can't say of the scores: raking, bootstrap replicates, draws over the tree's weights."""
