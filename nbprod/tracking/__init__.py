"""What is kept of runs and models, and what can be done with it: compare, reproduce, promote, score."""
