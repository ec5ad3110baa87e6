"""Articles as they are published: PDF, web pages, Word, JATS."""
