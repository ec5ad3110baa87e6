"""The knowledge graph of a literature library: one SQLite file of concepts, edges, and the sentences behind them.

Facts (documents, mentions, evidence) are written once per document. Concepts, edges and the search index follow from
the facts and from what users decided, and are computed again after every change: the same documents give the same
graph, in whatever order and however often they were added.
"""
