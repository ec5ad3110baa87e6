"""Views, sentences, windows and words of a text."""
