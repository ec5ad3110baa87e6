"""The paper's experiments: what is run, how it is run, and the report on it."""
