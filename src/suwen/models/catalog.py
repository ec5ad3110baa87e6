"""The six published Chinese encoders of the paper (Table 1), and where a name on the command line leads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from suwen.bundled import BUNDLED, bundled_encoder
from suwen.errors import SuwenError
from suwen.files import read_json

__all__ = ["CATALOG", "LANGUAGE_MODEL", "PublishedEncoder", "encoder_width", "find_encoder", "is_language_model"]


@dataclass(frozen=True, slots=True)
class PublishedEncoder:
    """A published encoder.

    Parameters
    ----------
    name, title
        What it is called on the command line, and in the paper.
    hub
        Its identifiers on the Hugging Face hub, the preferred one first.
    source
        Where its files are when it is not on the hub, or where they come from.
    layers, width, heads
        The size of the Transformer: L, H and A of Table 1.
    task
        What it learnt in pre-training.
    corpora
        What it read.
    tokenizer
        ``characters`` (a WordPiece vocabulary whose Chinese tokens are single characters), or ``sentencepiece``.
    license
        As published.
    note
        What one has to know, or nothing.
    """

    name: str
    title: str
    hub: tuple[str, ...]
    source: str
    layers: int
    width: int
    heads: int
    task: str
    corpora: str
    tokenizer: str
    license: str
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """The entry as JSON values."""
        return asdict(self)


WIKIPEDIA = "Chinese Wikipedia"
EXTENDED = "Chinese Wikipedia, encyclopedia, news, question answering"
BAIDU = "Chinese Wikipedia, Baidu Baike, news, Tieba"

_ENTRIES = (
    PublishedEncoder(
        "bert",
        "BERT",
        ("google-bert/bert-base-chinese", "bert-base-chinese"),
        "https://github.com/google-research/bert (chinese_L-12_H-768_A-12)",
        12,
        768,
        12,
        "masked characters, next sentence",
        WIKIPEDIA,
        "characters",
        "Apache-2.0",
        "The paper also prints BooksCorpus, which is English and no part of it.",
    ),
    PublishedEncoder(
        "wwm",
        "BERT-WWM",
        ("hfl/chinese-bert-wwm",),
        "https://github.com/ymcui/Chinese-BERT-wwm",
        12,
        768,
        12,
        "whole-word masking, next sentence",
        WIKIPEDIA,
        "characters",
        "Apache-2.0",
    ),
    PublishedEncoder(
        "wwm-ext",
        "BERT-WWM-EXT",
        ("hfl/chinese-bert-wwm-ext",),
        "https://github.com/ymcui/Chinese-BERT-wwm",
        12,
        768,
        12,
        "whole-word masking, next sentence",
        EXTENDED,
        "characters",
        "Apache-2.0",
    ),
    PublishedEncoder(
        "ernie",
        "ERNIE",
        ("nghuyong/ernie-1.0-base-zh", "PaddlePaddle/ernie-1.0-base-zh"),
        "https://github.com/PaddlePaddle/ERNIE",
        12,
        768,
        12,
        "phrase- and entity-level masking, next sentence (dialogues: dialogue language model)",
        BAIDU,
        "characters",
        "Apache-2.0",
        "nghuyong's conversion to PyTorch names no license of its own; Baidu publishes ERNIE under Apache-2.0.",
    ),
    PublishedEncoder(
        "ernie-tiny",
        "ERNIE-tiny",
        (),
        "https://bj.bcebos.com/paddlenlp/models/transformers/ernie_tiny/ (ernie_tiny.pdparams, vocab.txt, "
        "spm_cased_simp_sampled.model, dict.wordseg.pickle), with a model_config.json",
        3,
        1024,
        16,
        "as ERNIE, continual pre-training",
        BAIDU,
        "sentencepiece",
        "Apache-2.0",
        "The paper prints 12 heads, by which its width of 1024 cannot be divided; the published model has 16. "
        "Copies on public hubs carry pickles that run code: take the files from their publisher.",
    ),
    PublishedEncoder(
        "roberta",
        "RoBERTa",
        ("hfl/chinese-roberta-wwm-ext",),
        "https://github.com/ymcui/Chinese-BERT-wwm",
        12,
        768,
        12,
        "dynamic masking of whole words, no next sentence",
        EXTENDED,
        "characters",
        "Apache-2.0",
        "A BERT in architecture and vocabulary, whatever its configuration says. "
        "The paper prints Wikipedia and BooksCorpus, the corpora of the English RoBERTa.",
    ),
)

CATALOG: dict[str, PublishedEncoder] = {entry.name: entry for entry in _ENTRIES}
"""The encoders of Table 1 by name. Its names are what ``--encoder`` and ``--from`` take."""

LANGUAGE_MODEL = "suwen-language-model"
"""The ``model_type`` of what ``suwen pretrain --encoder bilstm`` writes."""

# What is needed of a repository on the hub: one kind of weights (the first that is there), and the small files.
WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model_state.pdparams")
CONFIGURATIONS = ("config.json", "bert_config.json", "model_config.json", "ernie_config.json")
SMALL = ("config.json", "model_config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json")


def find_encoder(name: str, others: Sequence[str] = ()) -> Path:
    """Find the folder of an encoder: a local folder of that name, the hub's cache on this machine, or the hub.

    Parameters
    ----------
    name
        A name of `CATALOG`, ``carried`` for the small encoder that comes with suwen, a folder, or an identifier on
        the hub (``hfl/chinese-macbert-base``).
    others
        Further names that the caller accepts, for the message.

    Raises
    ------
    SuwenError
        S506 when it is nowhere; the message says where to get it.
    """
    local = _local(name)
    if local is not None:
        return local
    entry = CATALOG.get(name)
    identifiers = entry.hub if entry else (name,)
    for identifier in identifiers:
        folder = _cached(identifier)
        if folder is not None:
            return folder
    reason = "no such folder"
    for identifier in identifiers:
        # Without an owner it would be a name that nobody published since 2022, or a misspelt folder.
        if "/" in identifier:
            try:
                return _download(identifier)
            except _UnavailableError as error:
                reason = f"{identifier} cannot be had from the hub: {error}"
    if entry and entry.hub:
        download = f"hf download {entry.hub[0]} --local-dir {name}"
        advice = f"{reason}; put its files into a folder {name!r} here: {download}; or take {BUNDLED!r}"
        raise SuwenError("S506", name, advice=advice)
    if entry:
        raise SuwenError(
            "S506",
            name,
            advice=f"put its files into a folder {name!r} here; they are at {entry.source}; or take {BUNDLED!r}",
        )
    known = ", ".join([*others, BUNDLED, *CATALOG])
    raise SuwenError("S506", name, advice=f"{reason}; give one of {known}, a folder, or a name on the hub")


def encoder_width(name: str) -> int | None:
    """The width of an encoder that is on this machine or in `CATALOG`; None where only the hub could tell."""
    entry = CATALOG.get(name)
    folder = _local(name)
    for identifier in () if folder else (entry.hub if entry else (name,)):
        folder = folder or _cached(identifier)
    for small in CONFIGURATIONS if folder else ():
        if folder and (folder / small).is_file():
            width = read_json(folder / small).get("hidden_size")
            return width if isinstance(width, int) else None
    return entry.width if entry else None


def is_language_model(name: str | Path) -> bool:
    """Tell whether a name on the command line is a folder of character language models."""
    path = Path(name) / "config.json"
    return path.is_file() and read_json(path).get("model_type") == LANGUAGE_MODEL


class _UnavailableError(Exception):
    pass


def _local(name: str) -> Path | None:
    return Path(name) if Path(name).is_dir() else bundled_encoder(name)


def _cached(identifier: str) -> Path | None:
    """The folder of a repository in the local cache, if its configuration and weights are there."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    for weights in WEIGHTS:
        try:
            found = try_to_load_from_cache(identifier, weights)
        except HFValidationError:
            return None
        if isinstance(found, str) and any((Path(found).parent / small).is_file() for small in SMALL[:2]):
            return Path(found).parent
    return None


def _download(identifier: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError

    # OSError, and the error of whichever HTTP library the hub's client is built on.
    failures: Any = HfHubHTTPError.__bases__
    try:
        # Asked once: the client's other calls try for half a minute, and print each attempt.
        present = {file.rfilename for file in HfApi().model_info(identifier, timeout=10).siblings or ()}
        weights = next((name for name in WEIGHTS if name in present), None)
        if weights is None:
            raise _UnavailableError(f"it has none of {', '.join(WEIGHTS)}")
        return Path(snapshot_download(identifier, allow_patterns=[weights, *SMALL]))
    except HFValidationError:
        raise _UnavailableError("that is no name on the hub") from None
    except failures as error:
        raise _UnavailableError(str(error).strip().partition("\n")[0] or type(error).__name__) from None
