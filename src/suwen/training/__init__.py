"""Training taggers and baselines."""
