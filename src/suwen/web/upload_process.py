"""The process that reads one uploaded file (see `suwen.web.uploads`).

The first line of standard input says what to do, the file follows. Standard output gets the documents, or the code of
what is wrong, as JSON Lines.
"""

from __future__ import annotations

import json
import sys
from typing import IO, Any

__all__ = ["main"]


def main(source: IO[bytes], target: IO[bytes]) -> None:
    """Read the file of a stream and write its documents."""
    asked = json.loads(source.readline())
    _limit(asked["bytes"], asked["seconds"])
    # After the limits: what they load counts too.
    from pathlib import Path

    from suwen.errors import SuwenError
    from suwen.extraction.inputs import Content, Input, parts_of
    from suwen.formats import jsonl
    from suwen.web.problems import SHOWN_FIELDS

    file = Input(Path(asked["name"]), asked["name"], asked["format"])
    for part in parts_of(Content(file, source.read())):
        if isinstance(part, SuwenError):
            shown = {name: str(part.fields[name]) for name in SHOWN_FIELDS & part.fields.keys()}
            target.write(json.dumps({"code": part.code, **shown}).encode() + b"\n")
        else:
            target.write(jsonl.line(part))
    target.flush()


def _limit(memory: int, seconds: int) -> None:
    """Limit the memory and the processor time of this process, where the system can, and let it write no file."""
    try:
        import resource
    except ImportError:  # Windows: the parent limits the time alone
        return
    values: dict[int, Any] = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_CPU: seconds,
        resource.RLIMIT_FSIZE: 0,
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in values.items():
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard),) * 2)


if __name__ == "__main__":
    main(sys.stdin.buffer, sys.stdout.buffer)
