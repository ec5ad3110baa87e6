"""Pre-training of encoders from plain text, by the recipes of the paper's Table 1."""
