"""Read models and encoders from the Hugging Face Hub: ``hf://owner/name`` or ``hf://owner/name@revision``.

The cache, ``HF_ENDPOINT``, ``HF_TOKEN`` and ``HF_HUB_OFFLINE`` are those of the ``huggingface_hub`` package.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from suwen.errors import SuwenError
from suwen.requirements import require_packages

__all__ = ["download", "find_on_hub", "is_on_hub", "origin_of"]

_LOGGER = logging.getLogger("suwen")

# pathlib makes hf:/owner/name of it.
_PREFIX = re.compile(r"hf:[/\\]{1,2}")
_NAME = re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?", re.ASCII)

_SAFE = ("vocab.txt", "bigrams.txt", "words.txt", "lexicon.npy", "README.md")
_SAFE_SUFFIXES = (".safetensors", ".onnx", ".json")
"""The files of model folders and encoders in which nothing can be code; arrays are read without pickle."""

_DESCRIBING = ("manifest.json", "config.json")
_SHOWN = 3
_SECONDS = 10

Choose = Callable[[Collection[str]], Collection[str]]
"""Choose the files to download from the names of all files; raise `SuwenError` if they are not enough."""


def is_on_hub(name: str) -> bool:
    """Return whether a name begins with ``hf://``; a bare ``owner/name`` is never looked up."""
    return _PREFIX.match(name) is not None


@cache
def find_on_hub(name: str) -> Path:
    """Return the local folder of a repository, downloaded if needed; each process asks once.

    Only safetensors, ONNX, JSON, vocabularies and the card are downloaded; a warning counts and names other files.

    Parameters
    ----------
    name
        ``hf://owner/name``, with ``@`` and a branch, tag or commit for another revision than ``main``.

    Returns
    -------
    Path
        The snapshot of one commit in the cache; `origin_of` names it.

    Raises
    ------
    SuwenError
        S405 without huggingface_hub, S521 for a malformed name, S522 when the repository, the revision or the network
        is missing, the repository is gated, or it has no weights of these kinds.
    """
    match = _NAME.fullmatch(_PREFIX.sub("", name).replace("\\", "/"))
    if match is None or "--" in match["repository"]:
        raise SuwenError("S521", name=name)
    repository, revision = match["repository"], match["revision"]

    def choose(files: Collection[str]) -> Collection[str]:
        wanted = [file for file in files if _is_safe(file)]
        left = sorted(set(files) - set(wanted))
        named = ", ".join(left[:_SHOWN]) + (" …" if len(left) > _SHOWN else "")
        if not any(file.endswith((".safetensors", ".onnx")) for file in wanted) and "suwen.json" not in wanted:
            reason = f"hf://{repository} has no weights in safetensors or ONNX{f' (it has {named})' if named else ''}"
            raise SuwenError("S522", reason=reason, advice="name another repository, or download it into a folder")
        hidden = [file for file in left if not file.startswith(".")]
        if hidden:
            _LOGGER.warning("hf://%s: %d files of other kinds are not downloaded: %s", repository, len(left), named)
        return wanted

    return download(repository, revision, choose)


def origin_of(folder: Path) -> str:
    """Return ``hf://owner/name@commit`` for a snapshot in the hub's cache, and the name of any other folder."""
    snapshots = folder.parent
    if snapshots.name == "snapshots" and snapshots.parent.name.startswith("models--"):
        repository = snapshots.parent.name.removeprefix("models--").replace("--", "/")
        return f"hf://{repository}@{folder.name}"
    return folder.resolve().name


def download(repository: str, revision: str | None, choose: Choose) -> Path:
    """Download chosen files of a repository at one commit, or find them in the cache if the hub cannot be reached.

    Returns
    -------
    Path
        The snapshot's folder in the cache.

    Raises
    ------
    SuwenError
        S405 without huggingface_hub, S522, and what `choose` raises.
    """
    require_packages("huggingface_hub")
    from huggingface_hub import HfApi, constants, errors, hf_hub_download

    # OSError, and the error of whichever HTTP library the client is built on.
    failures: Any = errors.HfHubHTTPError.__bases__

    name = f"hf://{repository}{f'@{revision}' if revision else ''}"
    try:
        # Asked once, with a short timeout: the other calls try for half a minute.
        info = HfApi(endpoint=constants.ENDPOINT).model_info(repository, revision=revision, timeout=_SECONDS)
        wanted = choose([file.rfilename for file in info.siblings or ()])
        with _progress_on_terminals():
            places = {
                Path(hf_hub_download(repository, file, revision=revision, endpoint=constants.ENDPOINT)).parent
                for file in wanted
            }
    except errors.HFValidationError:
        raise SuwenError("S521", name=name) from None
    except failures as error:
        raised = _refusal(error, name)
        if raised is not None:
            raise raised from None
        return _cached(repository, revision, name, choose, error)
    if len(places) != 1:
        raise SuwenError("S522", reason=f"{name} changed during the download", advice="try again")
    return places.pop()


def _refusal(error: Exception, name: str) -> SuwenError | None:
    """Return the error for an answer of the hub; None if there was no answer, or one without a known cause."""
    from huggingface_hub import errors

    if isinstance(error, errors.GatedRepoError):
        advice = "accept its terms on the website, then set HF_TOKEN"
        return SuwenError("S522", reason=f"{name} is gated", advice=advice)
    if isinstance(error, errors.RepositoryNotFoundError):
        advice = "check the name; for a private one set HF_TOKEN"
        return SuwenError("S522", reason=f"there is no model {name}", advice=advice)
    if isinstance(error, errors.RevisionNotFoundError):
        advice = "name a branch, a tag or a whole commit hash"
        return SuwenError("S522", reason=f"there is no revision {name}", advice=advice)
    return None


def _is_safe(file: str) -> bool:
    return "/" not in file and not file.startswith(".") and (file in _SAFE or file.endswith(_SAFE_SUFFIXES))


def _cached(repository: str, revision: str | None, name: str, choose: Choose, error: Exception) -> Path:
    """Return the snapshot in the cache, if it is complete: the hub cannot be reached."""
    from huggingface_hub import constants, try_to_load_from_cache

    for file in _DESCRIBING:
        found = try_to_load_from_cache(repository, file, revision=revision)
        if isinstance(found, str):
            folder = Path(found).parent
            choose(sorted(file.name for file in folder.iterdir()))
            return folder
    if constants.HF_HUB_OFFLINE:
        reason, advice = f"{name} is not in the cache, and HF_HUB_OFFLINE is set", "unset it, or name a local folder"
    else:
        why = (str(error).strip() or type(error).__name__).partition("\n")[0]
        reason, advice = f"{name}: {why}", "check the network and HF_ENDPOINT, or name a local folder"
    raise SuwenError("S522", reason=reason, advice=advice) from None


@contextmanager
def _progress_on_terminals() -> Iterator[None]:
    """Hide download bars outside a terminal, so that an error stays one line."""
    from huggingface_hub.utils.tqdm import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    hide = not sys.stderr.isatty() and not are_progress_bars_disabled()
    if hide:
        disable_progress_bars()
    try:
        yield
    finally:
        if hide:
            enable_progress_bars()
