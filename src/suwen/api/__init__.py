"""The functions that ``import suwen`` offers, and that the commands call.

Each loads what it needs when it is called.
"""

# ruff: noqa: A002 (`format` is the word for it)
from __future__ import annotations

from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from suwen.api.annotation import agree, preannotate, sample
from suwen.api.augmentation import augment, augment_corpus
from suwen.api.evaluation import compare, evaluate
from suwen.api.pretraining import pretrain
from suwen.api.tasks import require_seed
from suwen.api.training import train, train_folds
from suwen.bundled import SAMPLE, model_path
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath, paths_of, require_outside
from suwen.requirements import EXPORTING, EXTRAS, require_packages
from suwen.runs import Listener, silent

if TYPE_CHECKING:
    from suwen.api.scoring import Corpus
    from suwen.corpus.split import Split, Unit
    from suwen.exporting.relations import RelationExport
    from suwen.exporting.tagger import Export
    from suwen.extraction.extract import Result
    from suwen.formats import Documents
    from suwen.inference.predictor import Extractor
    from suwen.inference.relations.extractor import RelationExtractor

__all__ = [
    "agree",
    "augment",
    "augment_corpus",
    "compare",
    "evaluate",
    "export",
    "extract",
    "load",
    "preannotate",
    "pretrain",
    "relate",
    "sample",
    "split",
    "train",
    "train_folds",
]


def load(
    path: StrPath | None = None,
    *,
    device: str = "cpu",
    batch_tokens: int | None = None,
    threads: int | None = None,
    relations: bool | StrPath = False,
) -> Extractor:
    """Load a model.

    Parameters
    ----------
    path
        A model folder, or ``hf://owner/name`` with or without ``@revision``; by default the bundled model.
    device
        The device of a neural model: ``cpu``, ``cuda``, ``cuda:1`` …
    batch_tokens
        Maximum tokens in a batch, padding included; the default is chosen for speed.
    threads
        Number of computing threads on the CPU; by default one for each usable core.
    relations
        True to find the relations between the entities too; or the relation model: a folder or ``cooccurrence``.

    Raises
    ------
    SuwenError
        When the folder is missing, damaged, or of another format version, or a package is missing.

    Examples
    --------
    >>> import suwen
    >>> document = suwen.load()("口服二甲双胍0.5g，每日三次")
    >>> [(entity.label, document.mention(entity)) for entity in document.entities]
    [('Method', '口服'), ('Drug', '二甲双胍'), ('Amount', '0.5g'), ('Frequency', '每日三次')]
    """
    from suwen.loading import load as load_model

    return load_model(path, device=device, batch_tokens=batch_tokens, threads=threads, relations=relations)


def split(
    corpus: Corpus,
    *,
    unit: Unit = "document",
    ratio: Sequence[float] = (6, 2, 2),
    seed: int = 0,
    group_field: str | None = None,
) -> Split:
    """Split a corpus into train, dev and test so that each has its share of every type.

    Parameters
    ----------
    corpus
        A folder or file in any format, or documents.
    unit
        The unit that is kept whole: ``sentence``, ``document`` or ``group`` (a journal issue).
    ratio
        The sizes of train, dev and test, in any scale.
    seed
        The same seed gives the same split.
    group_field
        The metadata field that names the group.

    Raises
    ------
    SuwenError
        S304 when there are too few units, S402 and S404 for a ratio and a unit that cannot be, and as `read_corpus`.

    Examples
    --------
    >>> import suwen
    >>> made = suwen.split("articles/", unit="group")  # doctest: +SKIP
    >>> made.write("split.json")  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of
    from suwen.corpus.splitting import make_split

    require_seed(seed)
    return make_split(documents_of(corpus), unit, ratio, seed, group_field)


def extract(
    inputs: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    to: str | None = None,
    model: StrPath | None = None,
    format: str | None = None,
    text_column: str | None = None,
    id_column: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
    metadata: StrPath | None = None,
    always: StrPath | None = None,
    never: StrPath | None = None,
    device: str = "cpu",
    threads: int | None = None,
    batch_tokens: int | None = None,
    engine: str = "local",
    assertion: bool = False,
    codes: StrPath | None = None,
    relations: bool = False,
    relation_model: StrPath | None = None,
    raw: bool = False,
    resume: bool = False,
    listener: Listener = silent,
) -> Result:
    """Extract the entities (and relations) of files to a file or folder.

    Files that cannot be read are listed beside the output; the run continues.

    Parameters
    ----------
    inputs
        Files, folders, or patterns.
    output
        The file or folder to write.
    to
        The format of the output; by default that of its extension.
    model
        A model folder or ``hf://owner/name``; by default the bundled model.
    format
        The format of the inputs; by default each file's own.
    text_column, id_column
        The column or key of the text and of the id, in tables and records.
    encoding
        The encoding of text files; by default it is detected.
    sheet
        The sheet of Excel files; by default the only one with content.
    metadata
        A CSV table with metadata by document id, in the column ``id`` or the first.
    always, never
        Term lists that change the predictions.
    device, threads, batch_tokens
        As `load`.
    engine
        ``local``, or ``ray`` for a cluster.
    assertion
        Whether negated and hypothetical entities are marked by attributes.
    codes
        A terminology (TSV: code, name, synonyms separated by ``|``) whose codes the entities get as attributes.
    relations, relation_model
        Whether the relations between the entities are extracted too, and the model; as `load`.
    raw
        True to write CSV cells unchanged, also those that a spreadsheet would execute as formulas.
    resume
        Whether to continue an unfinished run of `output`.
    listener
        Receives the progress of the run.

    Raises
    ------
    SuwenError
        S127 when the output is inside an input folder; as `suwen.extraction.planning.plan_extraction` and
        `suwen.extraction.extract.extract_files`.

    Examples
    --------
    >>> import suwen
    >>> result = suwen.extract("library/", "entities.jsonl")  # doctest: +SKIP
    >>> result.tally.counts["entities"], result.problems  # doctest: +SKIP
    """
    from suwen.extraction.inputs import ReadingOptions
    from suwen.extraction.planning import plan_extraction

    paths = paths_of(inputs)
    if not paths:
        raise SuwenError("S402", key="inputs", reason="no file or folder is given")
    require_outside(output, paths)
    extraction = plan_extraction(
        paths,
        output,
        to,
        model=model,
        options=ReadingOptions(format, text_column, id_column, encoding, sheet),
        always=always,
        never=never,
        device=device,
        threads=threads,
        batch_tokens=batch_tokens,
        engine=engine,
        assertion=assertion,
        codes=codes,
        relations=relations,
        relation_model=relation_model,
        metadata=metadata,
        raw=raw,
    )
    return extraction.run(resume, listener)


def relate(documents: Documents, model: StrPath | RelationExtractor | None = None) -> Iterator[Document]:
    """Find the relations between the entities of documents.

    The relations that the documents have are replaced.

    Parameters
    ----------
    documents
        Documents with entities, a single one, or a folder or file in any format that has them.
    model
        A relation model: a folder, ``cooccurrence``, or a loaded one; by default the bundled one.

    Yields
    ------
    Document
        The documents in their order, with relations and their confidences.

    Raises
    ------
    SuwenError
        S602 when a corpus has no entity and S603 when the model knows none of the entity types, both after the last
        document; as `read_corpus` and `suwen.loading.load_relations`.

    Examples
    --------
    >>> import suwen
    >>> for document in suwen.relate("articles/"):  # doctest: +SKIP
    ...     print(document.relations)
    """
    from suwen.api.relations import relate_documents

    return relate_documents(documents, model)


def export(
    model: StrPath,
    output: StrPath | None = None,
    *,
    int8: bool = False,
    corpus: Corpus | None = None,
    split: Split | StrPath | None = None,
    part: str = "dev",
    trainable: bool = False,
) -> Export | RelationExport:
    """Export a tagger or a relation model to ONNX, so that it runs several times as fast, a tagger without torch.

    Parameters
    ----------
    model
        A model folder with a trained tagger or relation model.
    output
        A new folder with only the files that run the model; by default the graph is written into the model folder.
    int8
        Whether to use 8 bits: smaller and faster; needs a corpus.
    corpus
        Annotated documents on which torch and the graph are compared and 8 bits are scored.
    split, part
        A split of the corpus, or its file, and the part to use.
    trainable
        Whether `output` holds the weights of a tagger too, in 16 bits, so that training can start from it.

    Raises
    ------
    SuwenError
        S307 when there is no entity to find, S405 when a package is missing, S406 and S410 for arguments that do not go
        together, and as `suwen.exporting.tagger.export_model`.

    Examples
    --------
    >>> import suwen
    >>> suwen.export("model", "small", int8=True, corpus="articles/").bytes  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of, split_of
    from suwen.corpus.split import whole
    from suwen.inference.relations.settings import KIND
    from suwen.model_folder import read_stored_model

    folder = model_path(model)
    stored = read_stored_model(folder)
    if stored.model == KIND:
        if int8:
            raise SuwenError("S406", first="int8", second="a relation model", advice="it is small and fast in 32 bits")
        if trainable:
            raise SuwenError("S406", first="trainable", second="a relation model", advice="train a new one instead")
        require_packages(*EXTRAS["export"])
        from suwen.exporting.relations import export_relations

        sample = documents_of(SAMPLE if corpus is None else corpus)
        return export_relations(stored, sample, None if output is None else Path(output))
    if int8 and corpus is None:
        raise SuwenError(
            "S410", first="--int8", second="--corpus", advice="give annotated documents to score 8 bits on"
        )
    if trainable and output is None:
        raise SuwenError("S410", first="--trainable", second="--output", advice="without it, MODEL keeps its weights")
    require_packages(*EXPORTING)
    from suwen.exporting.tagger import export_model

    documents = calibration = documents_of(SAMPLE if corpus is None else corpus)
    selections = whole(documents)
    if split := split_of(split):
        selections = split.select(documents, part)
        if split.parts.get("train"):
            calibration = [selection.document for selection in split.select(documents, "train")]
    if not any(selection.gold for selection in selections):
        raise SuwenError("S307", corpus if isinstance(corpus, str | PathLike) else None)
    texts = [selection.document for selection in selections]
    return export_model(folder, texts, selections if int8 else None, calibration, output, trainable)
