"""Running a tagger over documents; never imports torch."""
