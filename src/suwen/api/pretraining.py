"""Pre-training encoders: the function `suwen.pretrain`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from suwen.errors import SuwenError
from suwen.files import StrPath, paths_of, require_new, require_outside
from suwen.requirements import require_packages
from suwen.runs import Listener, silent

if TYPE_CHECKING:
    from suwen.settings import Overrides

__all__ = ["PretrainingReport", "pretrain"]

PRETRAINABLE = ("transformer", "bilstm")


@dataclass(frozen=True)
class PretrainingReport:
    """The result of pre-training.

    Parameters
    ----------
    encoder
        The folder of the encoder.
    loss, unigram_loss
        The loss on held-out text, in nats a character, and that of the frequencies of characters alone.
    manifest
        All of it as JSON values, as in the folder.
    """

    encoder: Path
    loss: float
    unigram_loss: float
    manifest: dict[str, Any]

    def __repr__(self) -> str:
        return f"<PretrainingReport of {self.encoder}, held-out loss: {self.loss:.3f}>"


def pretrain(
    texts: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    strategy: str | None = None,
    encoder: str = "transformer",
    size: str | None = None,
    base: StrPath | None = None,
    vocabulary: StrPath | None = None,
    lexicon: StrPath | Sequence[StrPath] = (),
    exclude_split: StrPath | None = None,
    exclude_parts: str | Sequence[str] = (),
    cache: StrPath | None = None,
    settings: Overrides = (),
    seed: int = 0,
    device: str = "cpu",
    resume: bool = False,
    listener: Listener = silent,
) -> PretrainingReport:
    """Pre-train an encoder on plain text, from random weights or from an encoder.

    Parameters
    ----------
    texts
        Files (.txt, .xz, .gz) and folders of .txt documents, or one of them.
    output
        The encoder folder to write.
    strategy
        The masking of a transformer: ``bert``, ``wwm``, ``wwm-ext``, ``ernie``, ``ernie-tiny`` or ``roberta``.
    encoder
        ``transformer``, a masked language model, or ``bilstm``, a forward and a backward character language model.
    size
        ``mini`` (the default), ``small``, ``medium``, ``large`` or ``base``.
    base
        An encoder to start from: a name, a folder or ``hf://owner/name``; its size is kept.
    vocabulary
        A vocab.txt; by default the characters of the texts.
    lexicon
        Files (or one) of terms, one a line, that ``ernie`` masks whole.
    exclude_split, exclude_parts
        A split.json of a corpus among the texts, and the parts to leave out.
    cache
        A folder that keeps the texts as ids, shared by several runs.
    settings
        Single values: ``key=value`` strings, or a mapping by dotted key.
    seed
        The seed of all draws.
    device
        ``cpu``, ``cuda`` or ``cuda:N``.
    resume
        Whether to continue the unfinished run of `output`.
    listener
        Receives the progress of the run.

    Returns
    -------
    PretrainingReport
        The folder of the encoder, its held-out loss, and its manifest.

    Raises
    ------
    SuwenError
        S404 for an unknown encoder, S405 when a package is missing, S406 and S410 for arguments that do not go
        together, and as `suwen.pretraining.pretrain.pretrain`.

    Examples
    --------
    >>> import suwen
    >>> suwen.pretrain("articles.txt.xz", "encoder", strategy="wwm")  # doctest: +SKIP
    """
    from suwen.settings import assignments

    settings, lexicon = assignments(settings), paths_of(lexicon)
    parts = [exclude_parts] if isinstance(exclude_parts, str) else list(exclude_parts)
    output = Path(output)
    require_new(output)
    require_outside(output, paths_of(texts))
    if encoder not in PRETRAINABLE:
        raise SuwenError("S404", what="encoder to pre-train", name=encoder, known=", ".join(PRETRAINABLE))
    if encoder == "bilstm":
        _refuse_transformer(strategy, size, lexicon, settings)
    elif strategy is None:
        from suwen.pretraining.strategies import STRATEGIES

        advice = f"choose one of {', '.join(STRATEGIES)}"
        raise SuwenError("S410", first="--encoder transformer", second="--strategy", advice=advice)
    if base is not None and size is not None:
        raise SuwenError("S406", first="--from", second="--size", advice="leave --size out: the encoder's is kept")
    if bool(exclude_split) != bool(parts):
        given, needed = "--exclude-split", "--exclude-part"
        if parts:
            given, needed = needed, given
        raise SuwenError("S410", first=given, second=needed, advice=f"give {needed} too")
    from suwen.pretraining.config import pretraining_packages

    require_packages(*pretraining_packages(strategy, settings))
    from suwen.files import folder_for
    from suwen.models.catalog import find_encoder
    from suwen.pretraining.config import load_language_model_config, load_pretraining_config
    from suwen.pretraining.passages import read_exclusion
    from suwen.pretraining.pretrain import pretrain as pretrain_transformer
    from suwen.pretraining.pretrain_language_model import pretrain_language_model
    from suwen.pretraining.texts import NO_EXCLUSION, Texts

    paths = tuple(map(Path, paths_of(texts)))
    folder = find_encoder(str(base)) if base is not None else None
    exclusion = read_exclusion(Path(exclude_split), parts, list(paths)) if exclude_split else NO_EXCLUSION
    given_vocabulary = None if vocabulary is None else Path(vocabulary)
    kept = None if cache is None else Path(cache)
    sources = Texts(paths, given_vocabulary, tuple(map(Path, lexicon)), exclusion, folder, kept)
    with folder_for(output):
        if strategy is None:
            language_models = load_language_model_config(settings, folder, seed)
            manifest = pretrain_language_model(sources, output, language_models, resume, device, listener=listener)
        else:
            config = load_pretraining_config(strategy, size or "mini", settings, folder, seed)
            manifest = pretrain_transformer(sources, output, config, resume, device, listener=listener)
    held_out = manifest["held_out"]
    return PretrainingReport(output, held_out["loss"], held_out["unigram_loss"], manifest)


def _refuse_transformer(
    strategy: str | None, size: str | None, lexicon: Sequence[StrPath], settings: Sequence[str]
) -> None:
    """Refuse options that mean nothing to language models (S406)."""
    given = {
        "--strategy": strategy is not None,
        "--size": size is not None,
        "--segmenter": any(setting.split("=")[0].strip() == "data.segmenter" for setting in settings),
        "--lexicon": bool(lexicon),
    }
    for option, present in given.items():
        if present:
            raise SuwenError("S406", first=option, second="--encoder bilstm", advice="leave it out")
