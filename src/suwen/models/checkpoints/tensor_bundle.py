"""TensorFlow's checkpoint format (a "tensor bundle"), read with numpy alone.

``NAME.index`` is a sorted string table in LevelDB's format: blocks of entries whose keys share prefixes, a block that
lists the blocks, a footer. Its values are protocol buffers that say where in ``NAME.data-00000-of-00001`` a tensor
lies. Source: ``tensorflow/core/util/tensor_bundle`` and ``tensorflow/core/lib/io/format.h``.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from suwen.errors import SuwenError
from suwen.files import os_error

__all__ = ["protobuf_fields", "read_bundle"]

MAGIC = 0xDB4775248B80FB57
FOOTER = 48
# The numbers of DataType in types.proto. bfloat16 (14) is widened below.
TYPES = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 14: "<u2", 19: "<f2"}
BFLOAT16 = 14


class DamagedError(Exception):
    """The bytes do not follow the format."""


@dataclass(slots=True)
class _Entry:
    """The place of a tensor (BundleEntryProto)."""

    kind: int = 0
    shape: list[int] = field(default_factory=list)
    shard: int = 0
    offset: int = 0
    size: int = 0


def read_bundle(index: Path) -> dict[str, NDArray[Any]]:
    """Read all tensors of a checkpoint.

    Parameters
    ----------
    index
        The ``.index`` file; the data files lie beside it.

    Returns
    -------
    dict[str, NDArray[Any]]
        Arrays by TensorFlow's names. Strings and other types without numbers are left out.

    Raises
    ------
    SuwenError
        S101 when a data file is missing, S509 when a file is truncated or damaged.
    """
    try:
        entries = {key.decode(): value for key, value in _table(_bytes(index))}
        header = entries.pop("", b"")
        shards = next((value for number, value in protobuf_fields(header) if number == 1 and isinstance(value, int)), 1)
        parsed = {name: _entry(value) for name, value in entries.items()}
    except (DamagedError, UnicodeDecodeError, struct.error, IndexError) as error:
        raise SuwenError("S509", index, reason=str(error)) from None
    stem = index.with_suffix("")
    files = [stem.with_name(f"{stem.name}.data-{shard:05}-of-{shards:05}") for shard in range(shards)]
    tensors: dict[str, NDArray[Any]] = {}
    for name, entry in parsed.items():
        if entry.kind in TYPES:
            if entry.shard >= shards:
                raise SuwenError("S509", index, reason=f"{name} is in part {entry.shard} of {shards}")
            tensors[name] = _tensor(files[entry.shard], name, entry)
    return tensors


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise os_error(error, path) from None


def _tensor(path: Path, name: str, entry: _Entry) -> NDArray[Any]:
    kind = np.dtype(TYPES[entry.kind])
    count = math.prod(entry.shape)
    if count * kind.itemsize != entry.size:
        raise SuwenError("S509", path, reason=f"{name} has {entry.size} bytes for the shape {entry.shape}")
    try:
        with path.open("rb") as file:
            file.seek(entry.offset)
            data = file.read(entry.size)
    except OSError as error:
        raise os_error(error, path) from None
    if len(data) != entry.size:
        raise SuwenError("S509", path, reason=f"it ends within {name}")
    array = np.frombuffer(data, kind)
    if entry.kind == BFLOAT16:
        # The upper half of a float32.
        array = (array.astype(np.uint32) << 16).view(np.float32)
    return array.reshape(entry.shape)


def _table(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of a sorted string table, in order."""
    if len(data) < FOOTER or struct.unpack_from("<Q", data, len(data) - 8)[0] != MAGIC:
        raise DamagedError("it does not end like a TensorFlow index; it is truncated or another file")
    position = len(data) - FOOTER
    for _ in range(2):  # past the handle of the unused meta block
        _, position = _varint(data, position)
    offset, position = _varint(data, position)
    size, _ = _varint(data, position)
    for _, handle in _block(data, offset, size):
        start, position = _varint(handle, 0)
        length, _ = _varint(handle, position)
        yield from _block(data, start, length)


def _block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Yield the entries of one block; a key is stored as a prefix shared with the previous key, and the rest."""
    if offset + size + 5 > len(data):
        raise DamagedError("a block lies beyond the end")
    block = data[offset : offset + size]
    if data[offset + size]:
        raise DamagedError("its blocks are compressed, which TensorFlow's own checkpoints are not")
    stored = struct.unpack_from("<I", data, offset + size + 1)[0]
    crc = _crc32c(data[offset : offset + size + 1])
    if stored != ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF:
        raise DamagedError("a checksum does not match")
    end = size - 4 - 4 * struct.unpack_from("<I", block, size - 4)[0]
    position, key = 0, b""
    while position < end:
        shared, position = _varint(block, position)
        rest, position = _varint(block, position)
        length, position = _varint(block, position)
        key = key[:shared] + block[position : position + rest]
        position += rest
        yield key, block[position : position + length]
        position += length


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if position >= len(data):
            raise DamagedError("a number lies beyond the end")
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7


def protobuf_fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the fields of a protocol buffer: number, and value as a number or bytes (fixed ones as bytes).

    Raises
    ------
    DamagedError
        When the bytes are none.
    """
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        kind = tag & 7
        if kind == 0:
            value, position = _varint(data, position)
            yield tag >> 3, value
            continue
        if kind == 2:
            length, position = _varint(data, position)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise DamagedError(f"a field of the unknown kind {kind}")
        if position + length > len(data):
            raise DamagedError("a field lies beyond the end")
        yield tag >> 3, data[position : position + length]
        position += length


def _entry(data: bytes) -> _Entry:
    entry = _Entry()
    for number, value in protobuf_fields(data):
        if isinstance(value, int):
            if number == 1:
                entry.kind = value
            elif number == 3:
                entry.shard = value
            elif number == 4:
                entry.offset = value
            elif number == 5:
                entry.size = value
        elif number == 2:
            entry.shape = [_dimension(part) for key, part in protobuf_fields(value) if key == 2]
        elif number == 7:
            raise DamagedError("a tensor is cut into slices, which checkpoints of BERT never are")
    return entry


def _dimension(data: int | bytes) -> int:
    if isinstance(data, int):
        raise DamagedError("a dimension is a number where a message should be")
    return next((value for number, value in protobuf_fields(data) if number == 1 and isinstance(value, int)), 0)


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
        table.append(value)
    return table


_CRC = _crc_table()


def _crc32c(data: bytes) -> int:
    """Compute Castagnoli's checksum; only the small index is checked, as its pure Python is slow."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ crc >> 8
    return crc ^ 0xFFFFFFFF
