"""The command line: one module per command, each a thin call.

Command modules import nothing heavy at the top, so that ``suwen --help`` answers at once.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

import typer

from suwen.cli import (
    augment,
    compare,
    corpus,
    demo,
    encoders,
    evaluate,
    export,
    extract,
    graph,
    preannotate,
    pretrain,
    relate,
    reproduce,
    serve,
    train,
)
from suwen.cli.output import fail, printable
from suwen.errors import SuwenError

# The base of all usage errors; where it is defined depends on Typer's release.
UsageError = cast("type[typer.BadParameter]", typer.BadParameter.__base__)
NAME = "suwen"
WRONG_USAGE = 2
INTERRUPTED = 130
CLOSED_PIPE = 141
"""Exit status after a closed pipe, as in a shell: 128 plus the number of SIGPIPE."""

LICENSES = "program: Apache-2.0; bundled model and encoder: CC BY-NC 4.0, for non-commercial use only"

RESUMABLE = ("train", "pretrain", "augment", "reproduce", "extract", "relate", "preannotate")

app = typer.Typer(
    name=NAME,
    no_args_is_help=True,
    add_completion=False,
    # Pages set by Rich take twice as long to appear.
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Named entities, relations and knowledge graphs from Chinese medical literature.",
)
app.add_typer(corpus.app, name="corpus")
app.add_typer(graph.app, name="graph")
app.command("demo")(demo.demo)
app.command("extract")(extract.extract)
app.command("relate")(relate.relate)
app.command("serve")(serve.serve)
app.command("preannotate")(preannotate.preannotate)
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("compare")(compare.compare)
app.command("export")(export.export)
app.command("augment")(augment.augment)
app.command("pretrain")(pretrain.pretrain)
app.command("encoders")(encoders.encoders)
app.command("reproduce")(reproduce.reproduce)


def _version(wanted: bool) -> None:
    if wanted:
        from suwen import __version__

        typer.echo(__version__)
        typer.echo(LICENSES)
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", help="Show the version and the licenses.", callback=_version, is_eager=True
    ),
) -> None:
    del version


def main() -> None:
    """Run the command line and turn what a user can fix into one line and exit status 2."""
    write_utf8()
    outputs = copies_of_output()
    try:
        status = app(prog_name=NAME, standalone_mode=False)
        # Flush here: a failure at interpreter exit could not be caught.
        sys.stdout.flush()
    except (BrokenPipeError, SystemExit) as ended:
        # Typer and Rich end a program whose output pipe is closed, with a status of their own.
        broken = ended.__context__ if isinstance(ended, SystemExit) else ended
        if not isinstance(broken, BrokenPipeError):
            raise
        if not any(map(is_closed_pipe, outputs)):
            # Another pipe, a worker's for example.
            raise broken from None
        discard_output()
        status = CLOSED_PIPE
    except UsageError as error:
        show_usage_error(error)
        status = WRONG_USAGE
    except SuwenError as error:
        fail(str(error))
        status = WRONG_USAGE
    except UnicodeEncodeError as error:
        # The name of a file, in a locale without UTF-8.
        if error.encoding != sys.getfilesystemencoding() or error.encoding == "utf-8":
            raise
        fail(str(SuwenError("S131", name=error.object, encoding=error.encoding)))
        status = WRONG_USAGE
    except OSError as error:
        fail(str(user_error(error)))
        if error.errno == errno.ENOSPC:
            discard_output()
        status = WRONG_USAGE
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    if status == INTERRUPTED:
        # Typer returns this status too, when it caught the interruption itself.
        fail("interrupted; continue with --resume" if is_resumable(sys.argv[1:]) else "interrupted")
    sys.exit(status)


def user_error(error: OSError) -> SuwenError:
    """Return the coded error for what a user can fix; anything else is raised again."""
    if isinstance(error, PermissionError) and error.filename is not None:
        # Asking whether a file is there fails too, below a folder that is closed.
        return SuwenError("S102", os.fsdecode(error.filename))
    if error.errno == errno.ENOSPC and error.filename is None:
        return SuwenError("S105", "standard output", reason=os.strerror(errno.ENOSPC))
    raise error


def write_utf8() -> None:
    """Write UTF-8, whatever the locale: ``LANG=C`` would allow ASCII alone."""
    codecs.register_error(NAME, printed_name)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors=NAME)


def printed_name(error: UnicodeError) -> tuple[bytes, int]:
    """Return what is printed for characters that UTF-8 does not have, the escaped bytes of a file name."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    # The codec takes bytes alone for characters beyond ASCII.
    return printable(error.object[error.start : error.end]).encode(), error.end


def copies_of_output() -> Sequence[int]:
    """Return copies of the descriptors of standard output and error: Rich closes the first one if it is broken."""
    copies = []
    for stream in (sys.__stdout__, sys.__stderr__):
        with suppress(AttributeError, OSError, ValueError):  # there is none, or it is closed
            copies.append(os.dup(stream.fileno()))  # type: ignore[union-attr]
    return copies


def is_closed_pipe(descriptor: int) -> bool:
    """Return whether the other end of a pipe is closed; where the system cannot tell, it counts as closed."""
    if not hasattr(select, "poll"):
        return True
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def discard_output() -> None:
    """Discard the rest of the buffers: writing it at exit would fail with a traceback."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.__stdout__, sys.__stderr__):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())


def is_resumable(arguments: list[str]) -> bool:
    """Return whether a command keeps what it has done; from standard input and to standard output, nothing is kept."""
    return next(iter(arguments), None) in RESUMABLE and "-" not in arguments


def show_usage_error(error: typer.BadParameter) -> None:
    """Print the error of Typer for wrong arguments, with a code; of a group without a command, its help."""
    if type(error).__name__ == "NoArgsIsHelpError":
        typer.echo(error.format_message())
        return
    # Its lists of choices come on lines of their own, and what pydantic says with pydantic's prefix.
    reason = " ".join(error.format_message().replace("Value error, ", "").split())
    reason = reason.removeprefix("Invalid value: ").rstrip(".")
    command = error.ctx.command_path if error.ctx else NAME
    fail(str(SuwenError("S409", reason=reason[:1].lower() + reason[1:], command=command)))
