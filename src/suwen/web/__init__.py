"""The server of ``suwen serve``: extraction and a knowledge graph over HTTP, and the page that shows them.

It is safe by default: it listens on this computer alone, opens no outbound connection, and writes no text of a request
to a log, a metric or an error.
"""
