"""Feature extraction: the states of a frozen encoder are computed once per window, then read from the disk."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from suwen.errors import SuwenError, WriteError
from suwen.files import replacing
from suwen.inference.batching import batches, pad
from suwen.models.encoders import RecurrentEncoder, TransformerEncoder
from suwen.models.language_model import FrozenEncoder
from suwen.runs import Listener, Progress, silent
from suwen.tagging.encode import Arrays

__all__ = ["KeptFeatures", "keep_features"]

SUFFIX = ".states"
GIGABYTE = 1e9
BATCH_TOKENS = 8192

Encoder = RecurrentEncoder | TransformerEncoder | FrozenEncoder


class KeptFeatures:
    """Replaces a frozen encoder: looks up cached hidden states, and computes those that are missing.

    Nothing random happens in a frozen encoder (no dropout, no masking), so that they are the same in every epoch.

    Parameters
    ----------
    encoder
        The encoder.
    states
        Its hidden states, ``[positions, width]``, one window after another.
    places
        Where the states of each window begin, by `_key`.
    """

    def __init__(self, encoder: nn.Module, states: NDArray[np.floating], places: Mapping[bytes, int]) -> None:
        self._encoder = encoder
        self._states = torch.from_numpy(states)
        self._places = places

    def __call__(self, input_ids: Tensor, attention_mask: Tensor, **features: Tensor) -> Tensor:
        """Map int64 ids ``[B, T]`` and a mask to vectors ``[B, T, width]``, as the encoder does; 0 where padded."""
        arrays = [array.cpu().numpy().astype(np.int32) for array in (input_ids, *features.values())]
        lengths = attention_mask.sum(1).tolist()
        keys = [_key([array[i, :length] for array in arrays]) for i, length in enumerate(lengths)]
        if not all(key in self._places for key in keys):
            computed: Tensor = self._encoder(input_ids=input_ids, attention_mask=attention_mask, **features)
            return computed
        hidden = torch.zeros(*input_ids.shape, self._states.shape[1])
        for i, (key, length) in enumerate(zip(keys, lengths, strict=True)):
            start = self._places[key]
            hidden[i, :length] = self._states[start : start + length].float()
        return hidden.to(input_ids.device)


def keep_features(
    encoder: Encoder,
    windows: Sequence[Arrays],
    padding: Mapping[str, int],
    folder: Path,
    gigabytes: float,
    device: str = "cpu",
    listener: Listener = silent,
    half: bool = False,
) -> KeptFeatures | None:
    """Compute the hidden states of all windows, or find those of a run with the same encoder and windows.

    Parameters
    ----------
    encoder
        What does not learn.
    windows
        Its arrays for each window that is learned from or evaluated on; equal ones are kept once.
    padding
        The id that fills each array.
    folder
        Where they are kept. Several runs may share it, also at the same time.
    gigabytes
        The most that may lie there: what was not used for longest is removed, and None is returned when this run's
        alone are more. Runs that write at the same time do not see each other's files until these are whole, and
        can together pass the limit until the next run makes room.
    listener
        Receives messages about the progress.
    half
        Whether the states are kept in fp16: enough for values between -1 and 1.

    Raises
    ------
    SuwenError
        S124 when the disk is full; S102 or S109 when they cannot be written.
    """
    by_key = {_key(list(arrays.values())): arrays for arrays in windows}
    rows, keys = list(by_key.values()), list(by_key)
    lengths = [len(row["input_ids"]) for row in rows]
    # In the order in which they are computed, so that the file is written from its beginning to its end.
    order = [i for batch in batches(lengths, BATCH_TOKENS) for i in batch]
    starts = np.cumsum([0, *(lengths[i] for i in order)])
    places = {keys[i]: int(start) for i, start in zip(order, starts, strict=False)}
    shape, kind = (int(starts[-1]), encoder.width), np.dtype(np.float16 if half else np.float32)
    size = shape[0] * shape[1] * kind.itemsize
    what = f"the frozen encoder's states of {len(rows):,} windows ({size / GIGABYTE:.2f} GB)"
    if size > gigabytes * GIGABYTE:
        listener(
            Progress(
                "states",
                message=f"{what} are computed anew in every epoch: optimization.features_gigabytes is {gigabytes:g}",
            )
        )
        return None
    file = folder / f"{_hash(encoder, [keys[i] for i in order], device)}{SUFFIX}"
    states = _opened(file, shape, kind)
    if states is None:
        listener(Progress("states", message=f"computing {what} once, into {folder}"))
        _make_room(folder, gigabytes * GIGABYTE - size)
        with _resumable():
            _write(encoder, rows, lengths, padding, file, device, kind)
        states = _opened(file, shape, kind)
    if states is None:
        reason = "cannot be read again (another run may have made room) and are computed anew in every epoch"
        listener(Progress("states", message=f"{what} {reason}"))
        return None
    return KeptFeatures(encoder, states, places)


def _key(arrays: Sequence[NDArray[np.int32]]) -> bytes:
    return hashlib.blake2b(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays), digest_size=16).digest()


def _hash(encoder: nn.Module, keys: Sequence[bytes], device: str) -> str:
    """Hash everything that determines the states, apart from rounding by threads."""
    hashed = hashlib.sha256(f"{torch.__version__} {device}".encode())
    for name, tensor in encoder.state_dict().items():
        hashed.update(name.encode())
        hashed.update(tensor.cpu().contiguous().numpy().tobytes())
    hashed.update(b"".join(keys))
    return hashed.hexdigest()[:32]


def _opened(file: Path, shape: tuple[int, int], kind: np.dtype[Any]) -> NDArray[np.floating] | None:
    """Return the states of a file; None if there is none (any more), or one that is too short."""
    try:
        # Copy on write: nothing is written, but torch wants arrays that could be.
        states = np.memmap(file, kind, "c", shape=shape)
    except (OSError, ValueError):
        return None
    # An open file can be read even if another run has removed it.
    with suppress(OSError):
        os.utime(file)
    return states


def _make_room(folder: Path, most: float) -> None:
    """Remove the files that were not used for longest, until the others are no larger than this together."""
    files = []
    for path in folder.glob(f"*{SUFFIX}"):
        # Another run may make room too.
        with suppress(OSError):
            found = path.stat()
            files.append((found.st_mtime, found.st_size, path))
    total = sum(size for _, size, _ in files)
    for _, size, path in sorted(files):
        if total <= most:
            return
        # A run that has it open can continue; if the system does not allow that, the file stays.
        with suppress(OSError):
            path.unlink()
            total -= size


@contextmanager
def _resumable() -> Iterator[None]:
    """Advise that the run can continue after a full disk."""
    try:
        yield
    except WriteError as error:
        raise SuwenError("S124", error.path, reason=error.fields["reason"]) from None


def _write(
    encoder: Encoder,
    rows: Sequence[Arrays],
    lengths: Sequence[int],
    padding: Mapping[str, int],
    file: Path,
    device: str,
    kind: np.dtype[Any],
) -> None:
    encoder.to(device).eval()
    # Not a memory map: a full disk would end the process with a signal, without a message.
    with replacing(file) as temporary, temporary.open("wb") as target, torch.inference_mode():
        for batch in batches(lengths, BATCH_TOKENS):
            inputs = pad([rows[i] for i in batch], padding)
            tensors = {name: torch.from_numpy(array).to(device).long() for name, array in inputs.items()}
            hidden = encoder(**tensors).float().cpu().numpy().astype(kind)
            for i, states in zip(batch, hidden, strict=True):
                target.write(states[: lengths[i]].tobytes())
