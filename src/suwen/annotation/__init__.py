"""A corpus of one's own: which documents to annotate next, pre-annotation by an LLM, agreement of annotators."""
