"""The class that callers of a graph use: ``suwen.Graph``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from suwen.concepts.linking import Code
from suwen.concepts.terminologies import AliasList, Terminology
from suwen.errors import SuwenError
from suwen.files import StrPath, replacing, replacing_folder, require_new
from suwen.formats import Documents, stream_documents
from suwen.graph import actions, queries
from suwen.graph.aggregates import rebuild, refresh_edge
from suwen.graph.build import Changes, Problem, Writer, remove_documents
from suwen.graph.dump import dump_lines
from suwen.graph.evidence import Evidence, evidence
from suwen.graph.exports.rows import Rows
from suwen.graph.filters import Filters
from suwen.graph.info import Info, Overview, info_of, overview_of
from suwen.graph.keys import number_of
from suwen.graph.neighbors import Group, neighbor_types, neighbors, path
from suwen.graph.queries import Alias, Concept, Edge
from suwen.graph.reading import BrowsableGraph
from suwen.graph.readonly import Table, select
from suwen.graph.resources import linker_of, store_resources
from suwen.graph.store import Connection, connect, erase_free_pages, one_state, translated, writing
from suwen.graph.texts import Sentence, create_index, find_sentences
from suwen.runs import Listener, Progress, silent

if TYPE_CHECKING:
    import networkx

__all__ = ["Card", "Graph"]

PAGE = 10


@dataclass(frozen=True, slots=True)
class Card:
    """A concept: codes, names, first neighbors, and other concepts of the same name (of other types, mostly)."""

    concept: Concept
    codes: tuple[Code, ...]
    aliases: tuple[Alias, ...]
    neighbors: tuple[Group, ...]
    others: tuple[Concept, ...]


def _raise(error: SuwenError) -> None:
    raise error


class Graph(BrowsableGraph):
    """A knowledge graph in a file.

    Concepts are given by a name, as it is in any text, or by the id that the answers show. Every change is
    made completely or not at all.

    Parameters
    ----------
    path
        A file made by `suwen graph build`, or by `add` if there is none.

    Examples
    --------
    >>> import suwen
    >>> graph = suwen.Graph("graph.db")  # doctest: +SKIP
    >>> graph.concept("T2DM").neighbors  # doctest: +SKIP
    """

    def __init__(self, path: StrPath) -> None:
        self._path = Path(path)
        self._reading: Connection | None = None

    def __repr__(self) -> str:
        return f"Graph({str(self._path)!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; the next query opens it again."""
        if self._reading is not None:
            self._reading.close()
            self._reading = None

    def open(self) -> None:
        """Open the file now, so that errors are reported before the first query.

        Raises
        ------
        SuwenError
            S101, S102 or S701 to S704 when it cannot be read.
        """
        with self._open():
            pass

    def interrupt(self) -> None:
        """Stop the query of another thread (in a `snapshot`): it fails with `sqlite3.OperationalError`."""
        if self._reading is not None:
            self._reading.interrupt()

    @contextmanager
    def _open(self) -> Iterator[Connection]:
        if self._reading is None:
            self._reading = connect(self._path)
        with translated(self._path), one_state(self._reading):
            yield self._reading

    # Changes ---------------------------------------------------------------------------------------------------------

    def add(
        self,
        documents: Documents,
        *,
        replace: bool = False,
        problem: Problem = _raise,
        create: bool = True,
        terminologies: Sequence[Terminology] = (),
        aliases: Sequence[AliasList] = (),
        index_sentences: bool = False,
        listener: Listener = silent,
    ) -> Changes:
        """Add documents with entities and relations; documents that the graph already has are skipped.

        Parameters
        ----------
        documents
            Documents, a single one, or a folder or file in any format that has entities.
        replace
            True to replace documents whose content has changed.
        problem
            Receives each document that is refused because its content differs (S706), and left out; by default it is
            raised, and nothing is added.
        create
            True to create the graph if there is none.
        terminologies, aliases
            Tables that name concepts (`suwen.concepts.terminologies`). The graph keeps them: they hold for all its
            documents, those that are added later too.
        index_sentences
            True to index the sentences for `sentences`; documents that are added later are indexed too.
        listener
            Receives the progress, in documents.

        Raises
        ------
        SuwenError
            S101 when there is no graph to add to, S701 to S705 when it cannot be written, S712 when the graph is new
            and no document has an entity.
        """
        with writing(self._path, create) as connection:
            if index_sentences:
                create_index(connection)
            is_new_table = store_resources(connection, terminologies, aliases)
            linker = linker_of(connection)
            writer = Writer(connection, linker, problem, replace)
            changes = writer.add_all(stream_documents(documents), listener)
            listener(Progress("computing"))
            if not connection.execute("SELECT 1 FROM mention LIMIT 1").fetchone():
                raise SuwenError("S712", self._path)
            if changes.documents["added"] or changes.documents["replaced"] or is_new_table:
                rebuild(connection, linker)
        if changes.documents["replaced"]:
            erase_free_pages(self._path)
        return changes

    def remove(self, *documents: str) -> Changes:
        """Remove documents and all that only they say; their texts are erased from the file.

        Raises
        ------
        SuwenError
            S707 when the graph has no such document: then none is removed.
        """
        with writing(self._path) as connection:
            changes = remove_documents(connection, documents)
            rebuild(connection, linker_of(connection))
        erase_free_pages(self._path)
        return changes

    def merge(self, first: str, second: str) -> int:
        """Merge the first concept into the second, and return the number of the decision, for `undo`."""
        with writing(self._path) as connection:
            pair = queries.resolve(connection, first)[0], queries.resolve(connection, second)[0]
            number = actions.merge(connection, *pair)
            rebuild(connection, linker_of(connection))
        return number

    def split(self, concept: str, surface: str) -> int:
        """Make one name of a concept a concept of its own, and return the number of the decision, for `undo`."""
        with writing(self._path) as connection:
            number = actions.split(connection, queries.resolve(connection, concept)[0], surface)
            rebuild(connection, linker_of(connection))
        return number

    def undo(self, number: int | None = None) -> actions.Action:
        """Undo a decision, by default the last one."""
        with writing(self._path) as connection:
            action = actions.undo(connection, number)
            rebuild(connection, linker_of(connection))
        return action

    def actions(self) -> list[actions.Action]:
        """Return all decisions (merge, split), undone ones included."""
        with self._open() as connection:
            return actions.actions(connection)

    def judge(
        self, evidence: str, verdict: str | None, *, kind: str | None = None, author: str | None = None, note: str = ""
    ) -> None:
        """Accept or reject a piece of evidence, or withdraw the verdict (None).

        Rejected evidence does not count. Verdicts stay when the graph is built again, and when a document is removed
        and added again.

        Parameters
        ----------
        evidence
            The `id` of the evidence.
        verdict
            ``accept``, ``reject`` or None.
        kind
            The kind of error: one of `suwen.graph.actions.ERROR_KINDS`.
        """
        with writing(self._path) as connection:
            actions.judge(connection, evidence, verdict, kind, author, note)
            refresh_edge(connection, number_of(evidence))

    # Questions -------------------------------------------------------------------------------------------------------

    def search(self, text: str, *, type: str | None = None, offset: int = 0, limit: int | None = 20) -> list[Concept]:  # noqa: A002
        """Return the concepts whose names contain a text (one character or more); all concepts for an empty text.

        Equal names come first, then names that begin with it; among them those with the most documents.

        Raises
        ------
        SuwenError
            S714 when the graph has no such entity type.
        """
        with self._open() as connection:
            queries.require_types(connection, type)
            found = queries.search(connection, text, type)
            page = list(islice(found, offset, None if limit is None else offset + limit))
            return [queries.concept_of(connection, number) for number in page]

    def concept(
        self,
        term: str,
        *,
        type: str | None = None,  # noqa: A002
        relation: str | None = None,
        since: int | None = None,
        offset: int = 0,
        limit: int = PAGE,
    ) -> Card:
        """Return names, figures and neighbors of a concept; if several have the name, the one with the most documents.

        Parameters
        ----------
        type
            The entity type, where concepts of several types have the name.
        relation, since, offset, limit
            Filters of neighbors; see `suwen.graph.neighbors.neighbors`.

        Raises
        ------
        SuwenError
            S708 when no concept has this name, S714 when the graph has no such entity type or relation type.
        """
        with self._open() as connection:
            queries.require_types(connection, type, relation)
            number, *others = queries.resolve(connection, term, type)
            concept = queries.concept_of(connection, number)
            if term == concept.id:
                others = [other for other in queries.named(connection, concept.name) if other != number]
            filters = Filters(relations=(relation,) if relation else (), since=since)
            return Card(
                concept,
                tuple(queries.codes(connection, number)),
                tuple(queries.aliases(connection, number)),
                tuple(neighbors(connection, number, filters, offset, limit)),
                tuple(queries.concept_of(connection, other) for other in others),
            )

    def neighbor_types(self, term: str) -> dict[str, int]:
        """Return the entity types of all neighbors of a concept, each with the number of its edges, the most first.

        Raises
        ------
        SuwenError
            S708 when no concept has this name.
        """
        with self._open() as connection:
            return neighbor_types(connection, queries.resolve(connection, term)[0])

    def edges(self, first: str, second: str) -> list[Edge]:
        """Return the edges between all concepts of two names, in both directions."""
        with self._open() as connection:
            return [edge for _, edge in queries.edges_between(connection, first, second)]

    def evidence(
        self,
        first: str,
        second: str,
        *,
        relation: str | None = None,
        since: int | None = None,
        offset: int = 0,
        limit: int | None = 50,
    ) -> list[Evidence]:
        """Return the sentences behind the edges between two names, the newest documents of each edge first.

        Raises
        ------
        SuwenError
            S708 when no concept has such a name, S714 when the graph has no such relation type.
        """
        with self._open() as connection:
            queries.require_types(connection, relation=relation)
            found = (
                item
                for number, edge in queries.edges_between(connection, first, second)
                if relation in (None, edge.relation)
                for item in evidence(connection, number, since)
            )
            return list(islice(found, offset, None if limit is None else offset + limit))

    def sentences(self, text: str, *, offset: int = 0, limit: int | None = 50) -> list[Sentence]:
        """Return the sentences that contain a text, a concept or not; width, case and white space are ignored.

        This is fast if the graph was built with `index_sentences`.
        """
        with self._open() as connection:
            found = find_sentences(connection, text)
            return list(islice(found, offset, None if limit is None else offset + limit))

    def path(self, first: str, second: str) -> list[Edge] | None:
        """Return the edges of a shortest path between the concepts of two names; None when there is none."""
        with self._open() as connection:
            ends = product(queries.resolve(connection, first), queries.resolve(connection, second))
            paths = (path(connection, *pair) for pair in ends)
            return min((found for found in paths if found is not None), key=len, default=None)

    def sql(self, query: str, parameters: Sequence[Any] = ()) -> Table:
        """Return the rows of a SELECT; everything that could change something is refused (S713)."""
        return select(self._path, query, parameters)

    def info(self) -> Info:
        """Check the file for damage, and return the figures of the graph."""
        with self._open() as connection:
            return info_of(connection, self._path)

    def overview(self) -> Overview:
        """Return the figures that an explorer shows first, without checking the file."""
        with self._open() as connection:
            return overview_of(connection)

    def dump(self) -> Iterator[str]:
        """Yield the content as JSON lines that do not depend on the order of changes.

        Two graphs of the same documents and decisions give the same lines.
        """
        with self._open() as connection:
            yield from dump_lines(connection)

    def to_networkx(self) -> networkx.MultiDiGraph[str]:
        """Return the graph for networkx: concepts are nodes (by id), the edges' keys are their relation types.

        Raises
        ------
        SuwenError
            S405 when networkx is not installed.
        """
        from suwen.graph.exports.networkx import to_networkx

        with self._open() as connection:
            return to_networkx(Rows(connection))

    def export(self, path: StrPath, form: str) -> Counter[str]:
        """Write the graph for another program, completely or not at all; return counts of what the form cannot hold.

        Only the owner can read the output, because it contains sentences.

        Parameters
        ----------
        path
            The file to write; a folder for ``neo4j``, ``csv`` and ``csv-raw``. It must not exist.
        form
            A name in `suwen.graph.exports.EXPORTS`.

        Raises
        ------
        SuwenError
            S104 when the path exists, S404 for an unknown form, S406 for a folder that is named like a CSV file, S102
            or S105 when it cannot be written.
        """
        from suwen.graph.exports import EXPORTS

        if form not in EXPORTS:
            raise SuwenError("S404", what="export", name=form, known=", ".join(EXPORTS))
        require_new(path)
        target = EXPORTS[form]
        if target.is_folder and Path(path).suffix.lower() == ".csv":
            advice = "this form is a folder of CSV files: name a folder, without .csv"
            raise SuwenError("S406", first=f"the output {path}", second=f"the form {form}", advice=advice)
        opened = replacing_folder if target.is_folder else replacing
        with self._open() as connection, opened(path, private=True) as temporary:
            return target.write(Rows(connection), temporary)
