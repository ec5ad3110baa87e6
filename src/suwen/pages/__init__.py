"""Shared parts of all HTML pages: the frame, marked text, and charts."""
