"""The report: one page that is alone, the same in Markdown, the plots, the figures, and each run's manifest."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from suwen.files import replacing_folder, write_json, write_text
from suwen.pages.page import Types
from suwen.pages.rendering import render
from suwen.reproduction.content import MISSING, Content, content_of
from suwen.reproduction.figures import RULINGS
from suwen.reproduction.markdown import markdown_report
from suwen.reproduction.plan import claims_of
from suwen.reproduction.profile import Unit
from suwen.reproduction.results import Results
from suwen.reproduction.system_run import DONE, MANIFEST, run_folder
from suwen.reproduction.verdicts import Verdict, judge
from suwen.schema import LCDD

__all__ = ["REPORT", "judged", "write_report"]

REPORT = "report"
PAGE, TEXT = "report.html", "README.md"
TITLE = "论文实验复现 The paper's experiments"
BADGES = {"holds": "holds", "does not hold": "fails", "not significant": "open", "not run": "none"}
"""The class of each ruling in the style sheet."""


def judged(results: Results, tables: Sequence[str], unit: Unit = "group") -> list[Verdict]:
    """Return the verdict on each claim that these tables carry."""
    return [judge(claim, results, unit) for claim in claims_of(tables)]


def write_report(results: Results, tables: Sequence[str], encoders: Mapping[str, Any]) -> tuple[Path, list[Verdict]]:
    """Write the report into the experiment's folder; nothing in it is text of the corpus.

    Parameters
    ----------
    encoders
        What is known of each encoder (see `suwen.reproduction.preparation`).

    Returns
    -------
    tuple[Path, list[Verdict]]
        The folder of the report, and the verdicts in it.

    Raises
    ------
    SuwenError
        S102 or S105 when it cannot be written.
    """
    verdicts, beside = judged(results, tables), judged(results, tables, "sentence")
    content = content_of(results, tables, verdicts, beside, encoders)
    output = results.folder / REPORT
    with replacing_folder(output, overwrite=True) as folder:
        for plot in content.plots:
            write_text(folder / "plots" / f"{plot.name}.svg", plot.svg)
        for run, result in results.by_run.items():
            if result["state"] == DONE:
                target = folder / "manifests" / f"{run.name}.json"
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(run_folder(results.folder, run) / MANIFEST, target)
        write_json(folder / "results.json", _values(results, verdicts, beside, encoders))
        write_text(folder / TEXT, markdown_report(content))
        write_text(folder / PAGE, "".join(_page(content, tables)))
    return output, verdicts


def _page(content: Content, tables: Sequence[str]) -> Iterator[str]:
    types = Types(LCDD)
    return render(
        "experiments",
        title=TITLE,
        rules=types.style(LCDD.labels),
        types=types,
        content=content,
        tables=tables,
        rulings=RULINGS,
        badges=BADGES,
        missing=MISSING,
    )


def _values(
    results: Results, verdicts: Sequence[Verdict], beside: Sequence[Verdict], encoders: Mapping[str, Any]
) -> dict[str, Any]:
    """Return everything in the report as JSON values."""
    summaries_of = {
        f"{system}/{unit}": summary.to_dict()
        for system in dict.fromkeys(run.system for run in results.runs)
        for unit in dict.fromkeys(run.unit for run in results.runs)
        if (summary := results.summary(system, unit))
    }
    fields = ("state", "error", "cost", "training", "test", "by_document")
    runs = [
        {"run": run.name, **{key: result[key] for key in fields if key in result}}
        for run, result in results.by_run.items()
    ]
    return {
        "profile": results.profile.model_dump(mode="json"),
        "percent": summaries_of,
        "verdicts": [verdict.to_dict() for verdict in (*verdicts, *beside)],
        "encoders": dict(encoders),
        "runs": runs,
        "not_run": [run.name for run in results.missing],
    }
