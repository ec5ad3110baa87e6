"""Make a corpus: choose documents to annotate next, pre-annotation by an LLM, agreement of annotators."""
