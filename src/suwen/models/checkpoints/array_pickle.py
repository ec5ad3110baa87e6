"""Pickles of arrays, read without running code.

Python's pickles can call any function; copies of ERNIE-tiny on public hubs do. The unpickler here knows the few names
that NumPy arrays and plain containers need, and refuses a file that asks for another before anything of it is called.
"""

from __future__ import annotations

import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from suwen.errors import SuwenError
from suwen.files import os_error

__all__ = ["load_plain_pickle"]

# NumPy 1 and 2 name their constructors differently; a file may come from either.
_RECONSTRUCT: Any = np.ndarray(0).__reduce__()[0]
_FROM_BUFFER: Any = np.zeros(1).__reduce_ex__(5)[0]


def _encode(text: str, encoding: str) -> bytes:
    """Make bytes as old pickle protocols do; they use no other encoding."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"bytes encoded as {encoding}")
    return text.encode("latin1")


ADMITTED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _encode,
    ("collections", "OrderedDict"): OrderedDict,
    **{
        (f"numpy.{core}.{module}", name): function
        for core in ("core", "_core")
        for module, name, function in (
            ("multiarray", "_reconstruct", _RECONSTRUCT),
            ("numeric", "_frombuffer", _FROM_BUFFER),
        )
    },
    **{
        (module, kind.__name__): kind
        for module in ("builtins", "__builtin__")
        for kind in (tuple, list, dict, set, frozenset)
    },
}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise _RefusedError(f"{module}.{name}")
        return ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise _RefusedError("an object outside the file")


class _RefusedError(Exception):
    pass


def load_plain_pickle(path: Path) -> Any:
    """Read a pickle that holds nothing but containers, text, numbers and numeric arrays.

    Raises
    ------
    SuwenError
        S101 when it is missing, S509 when it is truncated or no pickle, S514 when it asks for anything else.
    """
    try:
        with path.open("rb") as file:
            # latin1: Python 2 wrote the bytes of arrays as text.
            return _Unpickler(file, encoding="latin1").load()
    except _RefusedError as error:
        raise SuwenError("S514", path, what=error) from None
    except OSError as error:
        raise os_error(error, path) from None
    except (
        pickle.UnpicklingError,
        EOFError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        MemoryError,
        OverflowError,
        UnicodeDecodeError,
    ) as error:
        raise SuwenError("S509", path, reason=str(error).partition("\n")[0] or "it ends too early") from None
