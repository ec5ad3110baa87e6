"""Word segmenters of our own."""
