"""One error class and the catalog of coded messages.

Every error that a user can fix has a code (``S101``) and one line: what is wrong, where (``file:line``), what to do.
The command line prints this line and exits with status 2.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CATALOG", "DeviceError", "Message", "ResumeError", "SplitError", "SuwenError", "WriteError", "unknown_key"]


@dataclass(frozen=True, slots=True)
class Message:
    """The two halves of a message: what is wrong (`text`) and what to do (`advice`), both with ``{named}`` fields."""

    text: str
    advice: str


CATALOG: dict[str, Message] = {
    # S1xx: files and folders
    "S101": Message("no such file or folder", "check the path"),
    "S102": Message("permission denied", "make it readable and, for outputs, its folder writable"),
    "S103": Message(
        "not valid UTF-8 (byte {byte} at offset {offset})", "convert it to UTF-8, or name its encoding with --encoding"
    ),
    "S104": Message("the output already exists", "choose another path or remove it"),
    "S105": Message("cannot write: {reason}", "free disk space, or choose another path"),
    "S106": Message("the file is empty", "remove it or put text into it"),
    "S107": Message("cannot tell the format", "name it, one of: {formats}"),
    "S108": Message("no readable document found", "expected: {expected}"),
    "S109": Message("this is a {found}, but a {expected} is expected", "pass a {expected}"),
    "S110": Message("two documents have the id {id!r}: {first} and {second}", "rename one of the files"),
    "S111": Message("the document id {id!r} cannot be a file name", "rename the document"),
    "S112": Message("damaged compressed file: {reason}", "copy or compress it again"),
    "S113": Message("cannot read: {reason}", "check the file and its disk"),
    "S114": Message("the file name is not valid Unicode", "rename the file"),
    "S115": Message("{what} is too large: more than {limit}", "split it, or skip it"),
    "S116": Message(
        "cannot decode the text: {reason}",
        "name its encoding with --encoding, or convert it to UTF-8 and leave that option out",
    ),
    "S117": Message(
        "not text: the content is {found}",
        "correct the file extension, name the encoding with --encoding, or skip the file",
    ),
    "S118": Message("encrypted: {kind} needs a password", "save it without a password"),
    "S119": Message("no text layer: the {pages} pages are images (a scan)", "run OCR on it first"),
    "S120": Message("damaged {kind}: {reason}", "open it in the program that made it, and save it again"),
    "S121": Message("reading timed out after {seconds} s", "the file may be malicious: skip it"),
    "S122": Message(
        "{count} errors in a row; the rest of the file is skipped",
        "fix the first ones, or name the format (--format) or the key of the text (--text-column)",
    ),
    "S123": Message("the reader failed: {reason}", "skip the file, and report this line as a bug"),
    "S124": Message("cannot write: {reason}", "free disk space, and continue with --resume"),
    "S125": Message("another process is using it", "wait until that process ends, or stop it"),
    "S126": Message(
        "not a regular file but a {found}",
        "save its content to a file, or pass the text on standard input (-)",
    ),
    "S127": Message(
        "the output is one of the inputs, or inside one, where the next run would read it",
        "choose a path outside the inputs",
    ),
    "S130": Message("this is {kind}, which is not supported here", "{advice}"),
    "S131": Message(
        "the file name {name!r} is not possible in this locale ({encoding})",
        "set PYTHONUTF8=1, or a UTF-8 locale such as LC_ALL=C.UTF-8",
    ),
    "S132": Message(
        "expected {expected}, got {found}",
        "make documents of a data frame with suwen.from_dataframe; suwen.load().pipe(documents) reads documents",
    ),
    # S2xx: annotations and formats
    "S201": Message(
        "annotation [{start}, {end}) is outside the text of {length} characters",
        "correct the offsets, or choose how they are counted (--offsets crlf, utf-16 …); "
        "'suwen corpus check' lists all such places",
    ),
    "S202": Message("unknown label {label!r}", "known labels: {known}; use --schema for another label set"),
    "S203": Message("invalid annotation line: {reason}", "correct the line; the form is {form}"),
    "S204": Message("invalid JSON: {reason}", "correct it; in JSON Lines, every line is one JSON object"),
    "S205": Message("the field {field!r} {reason}", "see the JSON Lines section of the manual"),
    "S206": Message("invalid CoNLL line: {reason}", "expected: {form}"),
    "S207": Message(
        "illegal tag sequence: {tag!r} after {previous!r}", "choose another --illegal policy, or correct the tags"
    ),
    "S208": Message("'.txt' without '.ann'", "add the annotation file, or read the folder as format 'text'"),
    "S209": Message("'.ann' without '.txt'", "add the text file"),
    "S210": Message(
        "the field {where!r} has a lone surrogate (U+{point:04X}) at character {offset}",
        "replace it: it is not valid Unicode",
    ),
    "S211": Message("invalid entity: {reason}", "use offsets in code points with 0 <= start < end"),
    "S212": Message("{what} {value!r} cannot be written as {format}", "rename it, or choose another format"),
    "S213": Message("the field {field!r} {reason}", "see the section on {format} in the manual"),
    "S214": Message(
        "no column {column!r}; columns: {known}",
        "name the text column with --text-column, the id column with --id-column",
    ),
    "S215": Message("the tags are numbers, and the file has no names for them", "{advice}"),
    "S221": Message(
        "the text column is not named; columns: {known}",
        "name it with --text-column (suwen extract, suwen corpus convert); the other columns are kept",
    ),
    "S222": Message("invalid row: {reason}", "correct the row, or remove it"),
    "S223": Message(
        "the workbook has several sheets: {known}", "name one with --sheet (suwen extract, suwen corpus convert)"
    ),
    "S224": Message(
        "more than {limit} entities do not fit into an Excel sheet",
        "write CSV: run the same command with --to csv --resume",
    ),
    "S225": Message("the id {id!r} occurs twice, in lines {first} and {second}", "keep one row for each document"),
    # S3xx: corpora and splits
    "S301": Message(
        "the split was made for other data (hash {expected}, found {found})",
        "make a new split",
    ),
    "S302": Message("not a split file: {reason}", "make one with 'suwen corpus split'"),
    "S303": Message("the split has no part {part!r}", "parts: {parts}"),
    "S304": Message("too few {unit}s to split: {count}", "at least {least} are needed"),
    "S305": Message("no document has the field {field!r}", "fields present: {known}"),
    "S306": Message("the part {part!r} of the corpus is empty", "check the split file and the corpus"),
    "S307": Message("the corpus has no entity", "annotate some, or check that the right folder was given"),
    "S308": Message(
        "gold and prediction differ in {what}",
        "both must cover the same documents and text; for predictions of one part of a split, add --split",
    ),
    "S309": Message(
        "the method {method!r} finds nothing to replace",
        "check that the corpus has words outside entities, or use another method or less protection",
    ),
    "S310": Message(
        "the log belongs to other documents: {id!r} has {found!r} at {start}, not {old!r}",
        "replay it on the documents that were augmented",
    ),
    "S311": Message(
        "only the part 'train' can be augmented, not {part!r}",
        "remove --part: scores on generated text mean nothing",
    ),
    "S312": Message("no document could be augmented: {reason}", "see the log of the run, or use another method"),
    "S313": Message(
        "the corpus has no entity of: {labels}",
        "the paper's experiments need all 15 types: use the whole corpus, or a larger fraction",
    ),
    "S314": Message(
        "test leakage: the text {text!r} overlaps {document!r} of the part {part!r}",
        "remove the text: it would make the scores of this part too high",
    ),
    "S315": Message(
        "the teacher {name!r} may have seen the evaluation data: it was trained on another split of this corpus",
        "train teachers on the same part of the same split",
    ),
    "S316": Message(
        "the {documents} documents are near-copies of each other: "
        "they make {count} of the {least} units that are needed",
        "near-copies must stay in one part: remove some, or split by sentence (--unit sentence)",
    ),
    # S4xx: configuration and schemas
    "S401": Message("unknown key {key!r}", "{advice}"),
    "S402": Message("invalid value for {key!r}: {reason}", "see the command's --help"),
    "S403": Message("invalid TOML: {reason}", "correct the file"),
    "S404": Message("unknown {what} {name!r}", "known: {known}"),
    "S405": Message("not installed: {package}", "pip install '{install}'"),
    "S406": Message("{first} cannot be combined with {second}", "{advice}"),
    "S407": Message("not a label set: {reason}", "see 'Label sets' in the manual"),
    "S408": Message(
        "the segmenter {name!r} changed the text that begins with {start!r}", "choose another one with --segmenter"
    ),
    "S409": Message("{reason}", "see '{command} --help'"),
    "S410": Message("{first} needs {second}", "{advice}"),
    "S411": Message("not a term list: {reason}", "write one term a line: term, tab, type"),
    "S420": Message("not {what}: {reason}", "write each line as {form}"),
    # S5xx: models
    "S501": Message("not a model folder: {reason}", "pass a folder written by 'suwen train' or 'suwen export'"),
    "S502": Message("model format version {found} cannot be read", "this release reads: {known}"),
    "S503": Message("the file {name!r} does not match the manifest", "copy the model folder again"),
    "S504": Message(
        "the weights belong to another model: tensors missing: {missing}; unexpected: {unexpected}",
        "use the weights of this model",
    ),
    "S505": Message("{reason}", "use a vocabulary or a model that has it"),
    "S506": Message("no encoder found", "{advice}"),
    "S507": Message("nothing to resume: {reason}", "start without --resume"),
    "S508": Message(
        "the earlier run differs in {what}", "use the same to continue it, or remove this folder to start a new run"
    ),
    "S509": Message("the weights file is damaged: {reason}", "copy or train the model again"),
    "S510": Message("the loss is not finite at step {step}", "lower the learning rate"),
    "S511": Message("an unfinished run exists", "continue it with --resume, or remove the folder"),
    "S512": Message("cannot run on the device {device!r}: {reason}", "use cpu, or a device that this machine has"),
    "S513": Message(
        "the checkpoint has no trained masked-language-model head ({missing} missing)",
        "use the checkpoint as published for pre-training, not one that was fine-tuned",
    ),
    "S514": Message("the file asks for {what}", "only arrays and plain containers are read; do not trust this file"),
    "S515": Message(
        "the exported graph differs from the model: {reason}", "report this as a bug, with the model's config.json"
    ),
    "S516": Message(
        "8 bits cost {lost} points of strict F1 on this CPU ({before} to {after}; allowed: {allowed})",
        "export without --int8",
    ),
    "S517": Message("no word vectors: {reason}", "use word2vec's text format: one word and its numbers a line"),
    "S518": Message("a worker process ended; memory may be short", "use fewer --workers, and continue with --resume"),
    "S519": Message("the Ray cluster failed: {reason}", "see its logs, and continue with --resume"),
    "S520": Message(
        "too little text to train on: {found}; {reason}",
        "add text, or change data.held_out, data.lengths (bilstm: data.length) or optimization.batch_tokens",
    ),
    "S521": Message("not a name on the Hugging Face Hub: {name}", "write hf://owner/name or hf://owner/name@revision"),
    "S522": Message("not available from the Hugging Face Hub: {reason}", "{advice}"),
    "S523": Message("no such model folder", "check the path, or write hf://{name} for a model on the Hugging Face Hub"),
    "S530": Message(
        "the results are incomplete or from another program: {reason}",
        "remove them or choose another folder, and start a new run",
    ),
    "S531": Message("an experiment exists here", "continue it with --resume, or choose another folder"),
    # S6xx: relations
    "S601": Message("the corpus has no relation", "annotate some, or check that the right folder was given"),
    "S602": Message(
        "the documents have no entities", "find entities and relations in one pass: suwen extract --relations"
    ),
    "S603": Message(
        "the relation model knows none of the entity types {found}",
        "its types: {known}; use a relation model that was trained with your label set",
    ),
    "S604": Message(
        "the label set {name!r} has no relation type", "add [[relations]] with name, head and tail to its TOML file"
    ),
    "S605": Message(
        "this is a relation model, but a tagger is expected",
        "use it with --relation-model (extract, relate), or score it with --task relations",
    ),
    "S606": Message(
        "a model of the kind {found!r} is not a relation model", "pass the folder of a relation model, or {baseline!r}"
    ),
    "S607": Message("the format {format!r} has no entities", "use suwen extract --relations for texts and articles"),
    "S608": Message(
        "this relation model is a network of a former release, which this release cannot run",
        "train it again: suwen train CORPUS --task relations",
    ),
    "S609": Message(
        "none of the relations of the training part can be learned (it has {count})",
        "check them with suwen corpus check; the label set must join their entity types within reach",
    ),
    # S7xx: graphs
    "S701": Message("this is not a graph", "make one with 'suwen graph build'"),
    "S702": Message(
        "graph version {found} cannot be read", "this release reads version {known}: build the graph again"
    ),
    "S703": Message("the graph is damaged: {reason}", "copy it again, or build it again"),
    "S704": Message(
        "another process has been writing to the graph for more than {seconds} s", "try again when it ends"
    ),
    "S705": Message("the disk is full; the graph is unchanged", "free disk space and run the command again"),
    "S706": Message(
        "the document {document!r} differs from the one in the graph", "replace it with --replace, or rename it"
    ),
    "S707": Message("no document {document!r}", "'suwen graph sql GRAPH \"SELECT key FROM document\"' lists them"),
    "S708": Message("no concept {term!r}{of_type}", "search for a part of its name with 'suwen graph query'"),
    "S709": Message("no evidence {evidence!r}", "'suwen graph query --edge A B --json' shows the ids"),
    "S710": Message("this cannot be done: {reason}", "see the concept with 'suwen graph query'"),
    "S711": Message("nothing to undo: {reason}", "'suwen graph undo --list' shows the decisions"),
    "S712": Message(
        "no document has an entity", "use documents with entities, for example from 'suwen extract --relations'"
    ),
    "S713": Message(
        "the query failed: {reason}", "only SELECT is allowed; 'SELECT name, sql FROM sqlite_schema' lists the tables"
    ),
    "S714": Message("the graph has no {what} {name!r}", "it has: {known}"),
    "S715": Message("{text!a} is not valid Unicode", "type it in a terminal whose encoding is UTF-8"),
    "S716": Message("no edge {edge!r}", "'suwen graph query --edge A B' shows the edges between two concepts"),
    "S717": Message("no document with the identifier {document!r}", "take an identifier that the graph shows"),
    # S8xx: server
    "S801": Message("other computers would reach the server without a token", "give --token-file, or set SUWEN_TOKEN"),
    "S802": Message(
        "other computers would reach {host} without encryption",
        "give --ssl-certfile, or --behind-proxy when a proxy in front of the server speaks TLS",
    ),
    "S803": Message("the token {reason}", "make one with 'openssl rand -hex 32'"),
    "S804": Message("cannot listen on {host}, port {port}: {reason}", "choose another --port or --host"),
    "S805": Message(
        "no name is given under which browsers reach the server", "give it with --allowed-host, for example a host name"
    ),
    "S806": Message("the certificate cannot be used: {reason}", "give PEM files with --ssl-certfile and --ssl-keyfile"),
    "S811": Message("the request is malformed", "send HTTP/1.1 with a body of valid JSON"),
    "S812": Message("the token is missing or wrong", "send it as 'Authorization: Bearer TOKEN'"),
    "S813": Message("the request comes from another web site", "open the page of this server"),
    "S814": Message("the server is not known under this name", "allow the name with --allowed-host"),
    "S815": Message("there is nothing at this address", "see /openapi.json for the addresses"),
    "S816": Message("the graph has no such {what}", "search again; the graph may have changed"),
    "S817": Message("this method is not allowed here", "see /openapi.json for the methods"),
    "S818": Message("the request took too long to arrive", "send it again"),
    "S819": Message("the graph has changed since this page was made", "ask for the first page again"),
    "S820": Message("the body is larger than {limit}", "send less at once, or use 'suwen extract'"),
    "S821": Message("this content type is not read", "send {expected}"),
    "S822": Message("the field '{field}' is wrong: {reason}", "see /openapi.json for what is expected"),
    "S823": Message("the server is busy", "try again in a moment"),
    "S824": Message("the answer took too long", "send less at once, or use 'suwen extract'"),
    "S825": Message("there is no graph that can be read", "start the server with one: suwen serve GRAPH"),
    "S826": Message("the graph is being written", "try again in a moment"),
    "S827": Message("the server failed", "look for the request id in its log, and report the line"),
    "S828": Message("this cursor belongs to another question", "ask for the first page again"),
    "S829": Message("the text has more than {limit} characters", "send a part of it, or use 'suwen extract'"),
    "S830": Message("reading the file took too much time or memory", "leave it out, or use 'suwen extract'"),
    "S831": Message("the graph cannot be changed", "make its file writable for the server"),
    # S9xx: annotation
    "S901": Message("the endpoint {url!r} is not on this machine", "{advice}"),
    "S902": Message("not an endpoint: {reason}", "give its address, for example http://127.0.0.1:8000/v1"),
    "S903": Message(
        "the endpoint {url} does not answer: {reason}",
        "start it or check the address; if it is overloaded, lower --parallel",
    ),
    "S904": Message("the endpoint {url} refuses: HTTP {status}", "{advice}"),
    "S921": Message("the size of the sample is not given", "add --documents or --characters"),
    "S922": Message("the pool has no document to choose: {reason}", "use other texts"),
    "S923": Message("a mention has no confidence", "use a model that gives confidences"),
    "S941": Message("agreement needs at least two annotators", "add another corpus with the same documents"),
    "S942": Message(
        "the annotators have no document in common", "give corpora with the same document ids: {first}; {second}"
    ),
    "S943": Message(
        "the text of {document!r} differs between {first} and {second} from character {place} on",
        "use corpora of the same text: offsets into different texts cannot be compared",
    ),
}


class SuwenError(Exception):
    """A problem that the user can fix, with its code, its place and what to do.

    Parameters
    ----------
    code
        A key of `CATALOG`.
    path, line
        The file (or folder) and the 1-based line it is about, if there is one.
    fields
        The values for the ``{named}`` fields of the message.

    Examples
    --------
    >>> str(SuwenError("S106", "a.txt"))
    'S106 a.txt: the file is empty; remove it or put text into it'
    """

    def __init__(
        self, code: str, path: str | os.PathLike[str] | None = None, line: int | None = None, **fields: object
    ) -> None:
        message = CATALOG[code]
        self.code = code
        self.path = None if path is None else Path(path)
        self.line = line
        self.fields = fields
        self.text = message.text.format(**fields)
        self.advice = message.advice.format(**fields)
        where = "" if path is None else f"{path}:{line}: " if line is not None else f"{path}: "
        # A file name or a value can contain a newline; the message must stay one line.
        super().__init__(" ".join(f"{code} {where}{self.text}; {self.advice}".splitlines()))

    def __reduce__(self) -> tuple[Any, ...]:
        """Return what rebuilds the error in another process; by default only its message would be passed."""
        plain = {
            key: value if isinstance(value, str | int | float) else str(value) for key, value in self.fields.items()
        }
        return _rebuilt, (type(self), self.code, self.path, self.line, plain)

    def at(self, path: str | os.PathLike[str], line: int | None = None) -> SuwenError:
        """Return the same problem with its place."""
        return type(self)(self.code, path, line, **self.fields)


def _rebuilt(
    kind: type[SuwenError], code: str, path: Path | None, line: int | None, fields: dict[str, Any]
) -> SuwenError:
    return kind(code, path, line, **fields)


class WriteError(SuwenError):
    """An output that cannot be written, for example because the disk is full (S105)."""


class SplitError(SuwenError):
    """Documents that cannot be split into the wanted parts (S304, S316)."""


class DeviceError(SuwenError):
    """A device that cannot be used (S512)."""


class ResumeError(SuwenError):
    """An unfinished run that cannot be continued as asked (S507, S508)."""


CLOSE = 0.6
"""Least likeness of a key that may have been meant (see `difflib.get_close_matches`)."""


def unknown_key(key: str, known: Sequence[str], file: Path | None = None) -> SuwenError:
    """Return the error for a key that is not known (S401), with the one that was meant, or all that could be meant."""
    # What sections share is no likeness: optimization.zzz is like none of optimization's keys.
    names = {name.rpartition(".")[2]: name for name in reversed(known)}
    found = difflib.get_close_matches(key.rpartition(".")[2], names, 1, 0 if len(names) == 1 else CLOSE)
    close = [names[name] for name in found]
    advice = f"did you mean {close[0]!r}?" if close else f"known here: {', '.join(known)}"
    return SuwenError("S401", file, key=key, advice=advice)
