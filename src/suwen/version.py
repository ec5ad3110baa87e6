"""The release of this package; a run is resumed, and a working folder read, by the same release only."""

__version__ = "0.2.0"
