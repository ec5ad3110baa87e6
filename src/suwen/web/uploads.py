"""Reading an uploaded file in a process of its own, with limits of time and memory."""

from __future__ import annotations

import json
import subprocess
import sys

from suwen.document import Document
from suwen.formats.jsonl import document_of
from suwen.web.limits import Limits
from suwen.web.problems import ProblemError, problem_of_file
from suwen.web.work import DisconnectedError, Ticket

__all__ = ["MEDIA_TYPES", "read_upload"]

MEDIA_TYPES = {
    "text/plain": "text",
    "text/html": "html",
    "application/xhtml+xml": "html",
    "application/xml": "jats",
    "text/xml": "jats",
    "application/pdf": "pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
}
"""The formats that are read, by the media type of the body."""

COMMAND = [sys.executable, "-m", "suwen.web.upload_process"]


def read_upload(ticket: Ticket, data: bytes, name: str, form: str, limits: Limits) -> list[Document]:
    """Return the documents of a file.

    Parameters
    ----------
    name
        The name of the file, which becomes the id of its document.
    form
        The format, one of `MEDIA_TYPES`.

    Raises
    ------
    ProblemError
        S830 when it takes too long or too much memory, otherwise what is wrong with the file.
    """
    asked = {"name": name, "format": form, "bytes": limits.parse_bytes, "seconds": int(limits.seconds)}
    process = subprocess.Popen(  # noqa: S603
        COMMAND,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    with process:
        ticket.on_cancel(process.kill)
        try:
            written, _ = process.communicate(json.dumps(asked).encode() + b"\n" + data, timeout=limits.seconds)
        except subprocess.TimeoutExpired:
            written = b""
        finally:
            process.kill()
    if ticket.is_cancelled:
        raise DisconnectedError
    if process.returncode:
        raise ProblemError("S830", 422)
    return _documents(written)


def _documents(written: bytes) -> list[Document]:
    lines = [line for line in written.split(b"\n") if line]
    documents = []
    for line in lines:
        values = json.loads(line)
        if "code" in values:
            raise problem_of_file(values.pop("code"), values)
        documents.append(document_of(line + b"\n"))
    if not any(document.text.strip() for document in documents):
        raise ProblemError("S106", 422)
    return documents
