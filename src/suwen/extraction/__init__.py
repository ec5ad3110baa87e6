"""Extract from files to results: inputs, chunks, shards, journal, outputs."""
