"""The six published Chinese encoders of the paper (Table 1), and where a name on the command line leads."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from suwen.bundled import BUNDLED, bundled_encoder, encoder_name
from suwen.errors import SuwenError
from suwen.files import read_json
from suwen.hub import download
from suwen.requirements import is_installed

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
        What it learned in pre-training.
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
        """Return the entry as JSON values."""
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
"""The encoders of Table 1 by the names that ``--encoder`` and ``--from`` accept."""

LANGUAGE_MODEL = "suwen-language-model"
"""The ``model_type`` of what ``suwen pretrain --encoder bilstm`` writes."""

# Files to download from a repository on the hub: one kind of weights (the first that exists), and the small files.
WEIGHTS = ("model.safetensors", "pytorch_model.bin", "model_state.pdparams")
CONFIGURATIONS = ("config.json", "bert_config.json", "model_config.json", "ernie_config.json")
SMALL = ("config.json", "model_config.json", "vocab.txt", "tokenizer.json", "tokenizer_config.json")


def find_encoder(name: str, others: Sequence[str] = ()) -> Path:
    """Find the folder of an encoder: a local folder of that name, or the hub's cache and the hub for published ones.

    Parameters
    ----------
    name
        A name of `CATALOG`, ``bundled`` for the small encoder that comes with suwen, a folder, or
        ``hf://owner/name`` for any other on the hub. A bare ``owner/name`` is a folder.
    others
        Further names that the caller accepts, for the message.

    Raises
    ------
    SuwenError
        S506 when it is not found; the message says where to get it. As `suwen.hub.find_on_hub`.
    """
    name = encoder_name(name)
    local = _local(name)
    if local is not None:
        return local
    entry = CATALOG.get(name)
    if entry is None:
        known = ", ".join([*others, BUNDLED, *CATALOG])
        hub = name if name.count("/") == 1 and " " not in name else "owner/name"
        raise SuwenError(
            "S506",
            name,
            advice=f"no such folder; give one of {known}, a folder, or hf://{hub} from the Hugging Face Hub",
        )
    for identifier in entry.hub:
        folder = _cached(identifier)
        if folder is not None:
            return folder
    reason = ""
    for identifier in entry.hub:
        # A name without an owner is only looked up in the cache: the hub has had no new ones since 2022.
        if "/" in identifier:
            try:
                return download(identifier, None, _weights_and_small)
            except SuwenError as error:
                reason = str(error.fields.get("reason", error))
    if entry.hub:
        where = f"hf download {entry.hub[0]} --local-dir {name}"
        advice = f"{reason}; put its files into a folder {name!r} here: {where}; or take {BUNDLED!r}"
    else:
        advice = f"put its files into a folder {name!r} here; they are at {entry.source}; or take {BUNDLED!r}"
    raise SuwenError("S506", name, advice=advice)


def encoder_width(name: str) -> int | None:
    """Return the width of an encoder that is on this machine or in `CATALOG`; None if it is not found."""
    name = encoder_name(name)
    entry = CATALOG.get(name)
    folder = _local(name)
    for identifier in () if folder or not entry else entry.hub:
        folder = folder or _cached(identifier)
    for small in CONFIGURATIONS if folder else ():
        if folder and (folder / small).is_file():
            width = _configuration(folder / small).get("hidden_size")
            return width if isinstance(width, int) else None
    return entry.width if entry else None


def is_language_model(name: str | Path) -> bool:
    """Return whether a name on the command line is a folder of character language models."""
    path = Path(name) / "config.json"
    return path.is_file() and _configuration(path).get("model_type") == LANGUAGE_MODEL


def _configuration(path: Path) -> dict[str, Any]:
    """Return the values of a configuration; none if the file holds no object, which loading the encoder reports."""
    values = read_json(path)
    return values if isinstance(values, dict) else {}


def _local(name: str) -> Path | None:
    return Path(name) if Path(name).is_dir() else bundled_encoder(name)


def _cached(identifier: str) -> Path | None:
    """Return the folder of a repository in the local cache, if its configuration and weights are there."""
    if not is_installed("huggingface_hub"):
        return None
    from huggingface_hub import try_to_load_from_cache

    for weights in WEIGHTS:
        found = try_to_load_from_cache(identifier, weights)
        if isinstance(found, str) and any((Path(found).parent / small).is_file() for small in SMALL[:2]):
            return Path(found).parent
    return None


def _weights_and_small(files: Collection[str]) -> list[str]:
    """Choose the first kind of weights that is there, and the small files."""
    weights = next((name for name in WEIGHTS if name in files), None)
    if weights is None:
        raise SuwenError("S522", reason=f"it has none of {', '.join(WEIGHTS)}", advice="name a local folder")
    return [weights, *(name for name in SMALL if name in files)]
