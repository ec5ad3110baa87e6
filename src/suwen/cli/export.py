"""The command `suwen export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from suwen.cli.options import JSON, SPLIT, read_split, require_option
from suwen.cli.output import report, show, standard_error

if TYPE_CHECKING:
    from rich.table import Table

    from suwen.exporting.relations import RelationExport
    from suwen.exporting.tagger import Export


def export(
    model: Path = typer.Argument(..., metavar="MODEL", help="A model folder: a trained tagger or relation model."),
    int8: bool = typer.Option(False, "--int8", help="Quantize to 8 bits: smaller and faster. Needs --corpus."),
    corpus: Path | None = typer.Option(
        None,
        metavar="CORPUS",
        help="Annotated documents for comparing the graph with torch and for scoring 8 bits.",
    ),
    split_file: Path | None = SPLIT,
    part: str | None = typer.Option(None, metavar="PART", help="The part of the split; default: dev."),
    output: Path | None = typer.Option(
        None, "--output", "-o", metavar="RUN", help="Write only the files that run the model into this new folder."
    ),
    trainable: bool = typer.Option(
        False,
        "--trainable",
        help="Also write the weights in 16 bits into RUN, so that 'train --from' can continue training.",
    ),
    as_json: bool = JSON,
) -> None:
    """Export a tagger or a relation model to ONNX. It runs without torch and several times as fast.

    Write model.onnx or model.int8.onnx into MODEL; extract and evaluate then use it. The export is refused if the
    graph finds other entities than torch, if it scores a relation in another way than the trees, or if 8 bits cost more
    than 0.3 points of strict F1 on CORPUS.

    Examples: suwen export model/;
    suwen export model/ --int8 --corpus articles/ --split split.json -o small-model/
    """
    from suwen import export as export_tagger
    from suwen.bundled import model_path

    require_option("--split", split_file, "--corpus", corpus)
    require_option("--part", part, "--split", split_file)
    if model_path(model) != model and not output:
        raise typer.BadParameter("only model folders are changed: for this model name a new folder with --output")
    with standard_error().status("exporting and comparing"):
        result = export_tagger(
            model,
            output,
            int8=int8,
            corpus=corpus,
            split=read_split(split_file),
            part=part or "dev",
            trainable=trainable,
        )
    if as_json:
        report(result.to_dict())
    else:
        show(table(result))


def table(result: Export | RelationExport) -> Table:
    """Return the figures for people."""
    from rich.table import Table

    from suwen.exporting.relations import RelationExport

    shown = Table("figure", "value", title=str(result.folder / result.file))
    shown.columns[1].justify = "right"
    shown.add_row("size", f"{result.bytes / 1e6:,.1f} MB")
    if isinstance(result, RelationExport):
        shown.add_row("pairs scored alike by the trees and the graph", f"{result.pairs:,}")
        return shown
    shown.add_row("compared with torch on", f"{result.characters:,} characters")
    shown.add_row("entities found by both", f"{result.entities:,}")
    shown.add_row("largest difference of a score, float32", f"{result.difference:.1e}")
    if result.int8_f1 is not None and result.float32_f1 is not None:
        shown.add_row("strict F1 in float32", f"{100 * result.float32_f1:.2f}")
        shown.add_row("strict F1 in 8 bits", f"{100 * result.int8_f1:.2f}")
    return shown
