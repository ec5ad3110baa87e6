"""The functions that ``import suwen`` offers, and that the commands call.

Each loads what it needs when it is called.
"""

# ruff: noqa: A002 (`format` is the word for it)
from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.bundled import SAMPLE, model_path
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.files import StrPath
from suwen.runs import Listener, silent

if TYPE_CHECKING:
    from suwen.api.scoring import Corpus, Evaluation, PredictionsComparison
    from suwen.augmentation.generation import Augmentation
    from suwen.corpus.split import Selection, Split, Unit
    from suwen.exporting import Export
    from suwen.extraction.extract import Result
    from suwen.inference.predictor import Extractor
    from suwen.schema import Schema
    from suwen.training.data import Report
    from suwen.training.folds import FoldsReport

__all__ = ["augment", "compare", "evaluate", "export", "extract", "load", "pretrain", "split", "train", "train_folds"]

PRETRAINABLE = ("transformer", "bilstm")


def load(
    path: StrPath | None = None, device: str = "cpu", batch_tokens: int | None = None, threads: int | None = None
) -> Extractor:
    """Load a model.

    Parameters
    ----------
    path
        A model folder; by default the bundled model.
    device
        Where a neural model runs: ``cpu``, ``cuda``, ``cuda:1`` …
    batch_tokens
        The most tokens in a batch, padding included; by default what is fast.
    threads
        How many threads compute on the CPU; by default one for each usable core.

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

    return load_model(path, device, batch_tokens, threads)


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
        What is kept whole: ``sentence``, ``document`` or ``group`` (a journal issue).
    ratio
        The sizes of train, dev and test, in any scale.
    seed
        The same seed gives the same split.
    group_field
        The metadata field that names the group.

    Raises
    ------
    SuwenError
        S304 when there are too few units, and as `read_corpus`.

    Examples
    --------
    >>> import suwen
    >>> made = suwen.split("articles/", unit="group")  # doctest: +SKIP
    >>> made.write("split.json")  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of
    from suwen.corpus.dealing import make_split

    return make_split(documents_of(corpus), unit, ratio, seed, group_field)


def train(
    corpus: Corpus,
    output: StrPath,
    *,
    encoder: str | None = None,
    head: str | None = None,
    transfer: str | None = None,
    split: Split | None = None,
    part: str = "train",
    preset: str = "best",
    config: StrPath | None = None,
    settings: Sequence[str] = (),
    schema: Schema | None = None,
    base: StrPath | None = None,
    teachers: Sequence[StrPath] = (),
    texts: Sequence[StrPath] = (),
    device: str = "cpu",
    resume: bool = False,
    listener: Listener = silent,
) -> Report:
    """Train a tagger or a baseline and write its model folder.

    Parameters
    ----------
    corpus
        A folder or file in any format, or documents.
    output
        The model folder to write.
    encoder
        The name of an encoder or baseline, or an encoder folder.
    head, transfer
        ``head.name`` and ``encoder.transfer`` of the configuration.
    split, part
        A split of the corpus and the part to learn from; without one, a tenth is set aside for evaluation.
    preset, config, settings
        A preset, a TOML file that changes it, and ``key=value`` settings.
    schema
        The entity types; by default the labels of the training part.
    base
        A trained model to start from.
    teachers, texts
        Trained models to distill from, and unlabeled texts that they annotate.
    device
        ``cpu`` or ``cuda``.
    resume
        Whether to continue the unfinished run of `output`.
    listener
        Told how far the run is.

    Raises
    ------
    SuwenError
        As `suwen.training.train.train`.

    Examples
    --------
    >>> import suwen
    >>> report = suwen.train("articles/", "model", base="carried")  # doctest: +SKIP
    >>> report.scores.micro.f1  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of
    from suwen.training.train import train as train_documents

    return train_documents(
        documents_of(corpus, schema),
        output,
        encoder=encoder,
        head=head,
        transfer=transfer,
        split=split,
        part=part,
        preset=preset,
        config=config,
        settings=settings,
        schema=schema,
        base=base,
        teachers=teachers,
        texts=texts,
        device=device,
        resume=resume,
        listener=listener,
    )


def train_folds(
    corpus: Corpus,
    output: StrPath,
    count: int,
    *,
    encoder: str | None = None,
    head: str | None = None,
    transfer: str | None = None,
    split: Split | None = None,
    part: str = "train",
    preset: str = "best",
    config: StrPath | None = None,
    settings: Sequence[str] = (),
    schema: Schema | None = None,
    base: StrPath | None = None,
    contradictions: StrPath | None = None,
    device: str = "cpu",
    resume: bool = False,
    listener: Listener = silent,
) -> FoldsReport:
    """Train taggers, each without a part of the annotated documents, which it then judges.

    Parameters
    ----------
    corpus
        A folder or file in any format, or documents.
    output
        The folder of the models ``fold-1`` … ``fold-K``.
    count
        How many folds; what the split keeps whole stays whole in them.
    encoder
        The name of an encoder, or an encoder folder.
    head, transfer
        ``head.name`` and ``encoder.transfer`` of the configuration.
    split, part
        A split of the corpus and the part to deal into folds; without one, all documents.
    preset, config, settings
        A preset, a TOML file that changes it, and ``key=value`` settings.
    schema
        The entity types; by default the labels of the training part.
    base
        A trained model to start from.
    contradictions
        A table to write, of the annotations that these models contradict.
    device
        ``cpu`` or ``cuda``.
    resume
        Whether to keep the models that are there, and to train the others.
    listener
        Told how far the run is.

    Raises
    ------
    SuwenError
        As `suwen.training.train.train_folds`.

    Examples
    --------
    >>> import suwen
    >>> report = suwen.train_folds("articles/", "models", 5, contradictions="report.tsv")  # doctest: +SKIP
    >>> report.contradictions  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of
    from suwen.training.train import train_folds as train_on_folds

    return train_on_folds(
        documents_of(corpus, schema),
        output,
        count,
        encoder=encoder,
        head=head,
        transfer=transfer,
        split=split,
        part=part,
        preset=preset,
        config=config,
        settings=settings,
        schema=schema,
        base=base,
        contradictions=contradictions,
        device=device,
        resume=resume,
        listener=listener,
    )


def evaluate(
    corpus: Corpus,
    model: StrPath | Extractor | None = None,
    *,
    predicted: Corpus | None = None,
    split: Split | None = None,
    part: str | None = None,
    training: Corpus | None = None,
    device: str = "cpu",
    listener: Listener = silent,
) -> Evaluation:
    """Score a model, or predictions, on annotated documents.

    The headline is strict: a mention counts when its type and both offsets are right.

    Parameters
    ----------
    corpus
        The gold documents.
    model
        A model folder or a loaded model; by default the bundled model.
    predicted
        The same documents with predicted entities, in place of a model.
    split, part
        A split of the corpus and the part to score (``test`` by default).
    training
        What the model learned from, to tell seen mentions from unseen; by default the train part of the split.
    device
        Where the model runs.
    listener
        Told how many documents are predicted.

    Raises
    ------
    SuwenError
        S307 when there is no entity to find, S406 for a model beside predictions, and as `read_corpus` and
        `Split.select`.

    Examples
    --------
    >>> import suwen
    >>> evaluation = suwen.evaluate("articles/", "model")  # doctest: +SKIP
    >>> evaluation.f1, evaluation.warnings  # doctest: +SKIP
    """
    from suwen.api.scoring import evaluate_model, evaluate_predictions

    if predicted is None:
        return evaluate_model(corpus, model, split, part, training, device, listener)
    if model is not None:
        raise SuwenError("S406", first="a model", second="predictions", advice="give one of them")
    return evaluate_predictions(corpus, predicted, split, part, training)


def compare(
    first: Corpus, second: Corpus, *, gold: Corpus, split: Split | None = None, part: str | None = None, seed: int = 0
) -> PredictionsComparison:
    """Test whether two sets of predictions differ in strict F1 by more than chance.

    The test is paired approximate randomization over documents, or over sentences where the split is by sentence.

    Parameters
    ----------
    first, second
        The same documents as two systems predict them.
    gold
        The gold documents.
    split, part
        A split of the gold documents and the part to compare on (``test`` by default).
    seed
        The seed of shuffles and resamples.

    Raises
    ------
    SuwenError
        As `evaluate`.

    Examples
    --------
    >>> import suwen
    >>> found = suwen.compare("a.jsonl", "b.jsonl", gold="articles/")  # doctest: +SKIP
    >>> found.result.p_value  # doctest: +SKIP
    """
    from suwen.api.scoring import compare_predictions

    return compare_predictions(first, second, gold, split, part, seed)


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
    always: StrPath | None = None,
    never: StrPath | None = None,
    device: str = "cpu",
    threads: int | None = None,
    batch_tokens: int | None = None,
    engine: str = "local",
    assertion: bool = False,
    codes: StrPath | None = None,
    resume: bool = False,
    listener: Listener = silent,
) -> Result:
    """Extract the entities of files to a file or folder.

    What cannot be read is listed beside the output, and the rest goes on.

    Parameters
    ----------
    inputs
        Files, folders, or patterns.
    output
        The file or folder to write.
    to
        The format of the output; by default what its ending says.
    model
        A model folder; by default the bundled model.
    format
        The format of the inputs; by default each file's own.
    text_column, id_column
        The column or key of the text and of the id, in tables and records.
    encoding
        The encoding of text files; by default it is detected.
    always, never
        Term lists laid over the predictions.
    device, threads, batch_tokens
        As `load`.
    engine
        ``local``, or ``ray`` for a cluster.
    assertion
        Whether negated and hypothetical entities are marked by attributes.
    codes
        A terminology (TSV: code, name, synonyms separated by ``|``) whose codes the entities get as attributes.
    resume
        Whether to continue an unfinished run of `output`.
    listener
        Told how far the run is.

    Raises
    ------
    SuwenError
        As `suwen.extraction.planning.plan_extraction` and `suwen.extraction.extract.extract_files`.

    Examples
    --------
    >>> import suwen
    >>> result = suwen.extract("library/", "entities.jsonl")  # doctest: +SKIP
    >>> result.tally.counts["entities"], result.problems  # doctest: +SKIP
    """
    from suwen.extraction.inputs import Options
    from suwen.extraction.planning import plan_extraction

    paths = [inputs] if isinstance(inputs, str | Path) else list(inputs)  # type: ignore[arg-type]
    extraction = plan_extraction(
        paths,
        output,
        to,
        model=model,
        options=Options(format, text_column, id_column, encoding),
        always=always,
        never=never,
        device=device,
        threads=threads,
        batch_tokens=batch_tokens,
        engine=engine,
        assertion=assertion,
        codes=codes,
    )
    return extraction.run(resume, listener)


def augment(
    documents: Iterable[Document | Selection],
    method: str | None = None,
    *,
    preset: str = "best",
    encoder: StrPath | None = None,
    seed: int | None = None,
    copies: int | None = None,
    rate: float | None = None,
    settings: Mapping[str, Any] | None = None,
    device: str = "cpu",
    workers: int = 1,
) -> Augmentation:
    """Generate documents from training documents.

    Parameters
    ----------
    documents
        Documents, or the selections of the train part of a split.
    method
        ``mlm`` (the default), ``mention``, ``token``, ``synonym`` or ``composition``.
    preset
        ``best`` or ``paper``.
    encoder
        The masked language model of ``mlm``: a name or a folder.
    seed, copies, rate
        The seed, the documents generated from each, and the share of words or mentions that is replaced.
    settings
        Other values of the configuration by dotted key.
    device, workers
        Where the models run; how many processes on the CPU.

    Raises
    ------
    SuwenError
        As `suwen.augmentation.augment`.

    Examples
    --------
    >>> import suwen
    >>> more = suwen.augment(suwen.read_corpus("articles/"), "mention", seed=1).documents  # doctest: +SKIP
    """
    from suwen.augmentation import augment as augment_documents

    return augment_documents(
        documents,
        method,
        preset=preset,
        encoder=encoder,
        seed=seed,
        copies=copies,
        rate=rate,
        settings=settings,
        device=device,
        workers=workers,
    )


def pretrain(
    texts: Sequence[StrPath],
    output: StrPath,
    *,
    strategy: str | None = None,
    encoder: str = "transformer",
    size: str | None = None,
    base: StrPath | None = None,
    vocabulary: StrPath | None = None,
    lexicon: Sequence[StrPath] = (),
    exclude_split: StrPath | None = None,
    exclude_parts: Sequence[str] = (),
    cache: StrPath | None = None,
    settings: Sequence[str] = (),
    seed: int = 0,
    device: str = "cpu",
    resume: bool = False,
    listener: Listener = silent,
) -> dict[str, Any]:
    """Pre-train an encoder on plain text, from random weights or from an encoder.

    Parameters
    ----------
    texts
        Files (.txt, .xz, .gz) and folders of .txt documents.
    output
        The encoder folder to write.
    strategy
        The masking of a transformer: ``bert``, ``wwm``, ``wwm-ext``, ``ernie``, ``ernie-tiny`` or ``roberta``.
    encoder
        ``transformer``, a masked language model, or ``bilstm``, a forward and a backward character language model.
    size
        ``mini`` (the default), ``small``, ``medium``, ``large`` or ``base``.
    base
        An encoder to start from; its size is kept.
    vocabulary
        A vocab.txt; by default the characters of the texts.
    lexicon
        Files of terms, one a line, that ``ernie`` masks whole.
    exclude_split, exclude_parts
        A split.json of a corpus among the texts, and the parts to leave out.
    cache
        A folder that keeps the texts as ids, shared by several runs.
    settings
        ``key=value`` settings.
    seed
        The seed of all draws.
    device
        ``cpu`` or ``cuda``.
    resume
        Whether to continue the unfinished run of `output`.
    listener
        Told how far the run is.

    Returns
    -------
    dict[str, Any]
        The manifest, as JSON values.

    Raises
    ------
    SuwenError
        S404 for an unknown encoder, S405 when a package is missing, S406 for arguments that do not go together, and
        as `suwen.pretraining.pretrain.pretrain`.

    Examples
    --------
    >>> import suwen
    >>> suwen.pretrain(["articles.txt.xz"], "encoder", strategy="wwm")  # doctest: +SKIP
    """
    output = Path(output)
    if output.exists():
        raise SuwenError("S104", output)
    if encoder not in PRETRAINABLE:
        raise SuwenError("S404", what="encoder to pre-train", name=encoder, known=", ".join(PRETRAINABLE))
    if encoder == "bilstm":
        _refuse_transformer(strategy, size, base, lexicon, settings)
    elif strategy is None:
        raise SuwenError("S406", first="--encoder transformer", second="no --strategy", advice="name a strategy")
    if base is not None and size is not None:
        raise SuwenError("S406", first="--from", second="--size", advice="leave --size out: the encoder's is kept")
    if bool(exclude_split) != bool(exclude_parts):
        given, needed = "--exclude-split", "--exclude-part"
        if exclude_parts:
            given, needed = needed, given
        raise SuwenError("S406", first=given, second=f"no {needed}", advice=f"give {needed} too")
    try:
        from suwen.files import folder_for
        from suwen.models.catalog import find_encoder
        from suwen.pretraining.config import load_language_model_config, load_pretraining_config
        from suwen.pretraining.passages import read_exclusion
        from suwen.pretraining.pretrain import NO_EXCLUSION, Texts
        from suwen.pretraining.pretrain import pretrain as pretrain_transformer
        from suwen.pretraining.pretrain_language_model import pretrain_language_model
    except ModuleNotFoundError as error:
        raise SuwenError("S405", package=error.name, install="suwen[train]") from None
    paths = tuple(map(Path, texts))
    folder = find_encoder(str(base)) if base is not None else None
    exclusion = read_exclusion(Path(exclude_split), list(exclude_parts), list(paths)) if exclude_split else NO_EXCLUSION
    given_vocabulary = None if vocabulary is None else Path(vocabulary)
    kept = None if cache is None else Path(cache)
    sources = Texts(paths, given_vocabulary, tuple(map(Path, lexicon)), exclusion, folder, kept)
    with folder_for(output):
        if strategy is None:
            language_models = load_language_model_config(settings, seed)
            return pretrain_language_model(sources, output, language_models, resume, device, listener=listener)
        config = load_pretraining_config(strategy, size or "mini", settings, folder, seed)
        return pretrain_transformer(sources, output, config, resume, device, listener=listener)


def _refuse_transformer(
    strategy: str | None, size: str | None, base: StrPath | None, lexicon: Sequence[StrPath], settings: Sequence[str]
) -> None:
    """Refuse options that mean nothing to language models (S406)."""
    given = {
        "--strategy": strategy is not None,
        "--size": size is not None,
        "--from": base is not None,
        "--segmenter": any(setting.split("=")[0].strip() == "data.segmenter" for setting in settings),
        "--lexicon": bool(lexicon),
    }
    for option, present in given.items():
        if present:
            raise SuwenError("S406", first=option, second="--encoder bilstm", advice="leave it out")


def export(
    model: StrPath,
    output: StrPath | None = None,
    *,
    int8: bool = False,
    corpus: Corpus | None = None,
    split: Split | None = None,
    part: str = "dev",
    trainable: bool = False,
) -> Export:
    """Export a tagger to ONNX, so that it runs without torch and several times as fast.

    Parameters
    ----------
    model
        A model folder with a trained tagger.
    output
        A new folder for what runs the model; by default the graph is written into the model folder.
    int8
        Whether to use 8 bits: smaller and faster; needs a corpus.
    corpus
        Annotated documents on which torch and the graph are compared and 8 bits are scored.
    split, part
        A split of the corpus and the part to use.
    trainable
        Whether `output` holds the weights too, in 16 bits, so that training can start from it.

    Raises
    ------
    SuwenError
        S307 when there is no entity to find, S405 when a package is missing, S406 for arguments that do not go
        together, and as `suwen.exporting.export_model`.

    Examples
    --------
    >>> import suwen
    >>> suwen.export("model", "small", int8=True, corpus="articles/").bytes  # doctest: +SKIP
    """
    from suwen.api.scoring import documents_of
    from suwen.corpus.split import whole

    try:
        from suwen.exporting import export_model
    except ModuleNotFoundError as error:
        raise SuwenError("S405", package=error.name, install="suwen[train,export]") from None

    if int8 and corpus is None:
        raise SuwenError("S406", first="int8", second="no corpus", advice="give annotated documents to score it on")
    if trainable and output is None:
        raise SuwenError("S406", first="trainable", second="no output", advice="the model folder has its weights")
    folder = model_path(model)
    documents = calibration = documents_of(SAMPLE if corpus is None else corpus)
    selections = whole(documents)
    if split:
        selections = split.select(documents, part)
        if split.parts.get("train"):
            calibration = [selection.document for selection in split.select(documents, "train")]
    if not any(selection.gold for selection in selections):
        raise SuwenError("S307", corpus if isinstance(corpus, str | Path) else None)
    texts = [selection.document for selection in selections]
    return export_model(folder, texts, selections if int8 else None, calibration, output, trainable)
