"""One module per file format, each with `read`, `write` and `sniff`."""
