"""The command ``suwen reproduce``."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from suwen.bundled import SAMPLE
from suwen.cli.options import DEVICE
from suwen.cli.output import fail, report, show, standard_error

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.progress import Progress
    from rich.table import Table

    from suwen.document import Document
    from suwen.reproduction.engine import Engine
    from suwen.reproduction.profile import Profile
    from suwen.reproduction.results import Results
    from suwen.reproduction.system_run import Run
    from suwen.reproduction.verdicts import Verdict


SHOWN_FAILURES = 5


class ProfileName(StrEnum):
    """Profiles."""

    SMOKE = "smoke"
    MINI = "mini"
    PAPER = "paper"


class EngineName(StrEnum):
    """Engines."""

    LOCAL = "local"
    RAY = "ray"


def reproduce(
    output: Path = typer.Option(..., "-o", "--output", metavar="DIR", help="The folder of the experiment."),
    corpus: Path | None = typer.Option(
        None, "--data", metavar="CORPUS", help="An annotated corpus; by default the bundled sample."
    ),
    profile: ProfileName = typer.Option(
        ProfileName.SMOKE,
        help="smoke: a check in minutes; mini: small encoders by the six recipes; paper: published encoders.",
    ),
    tables: str = typer.Option(
        "", metavar="2,4,5,6,7,added,entities", help="Only these tables, separated by commas; all if not given."
    ),
    encoders: Path | None = typer.Option(
        None, metavar="DIR", help="A folder with encoders named bert, wwm, wwm-ext, ernie, ernie-tiny, roberta."
    ),
    texts: list[Path] = typer.Option(
        [], metavar="TEXT", help="More plain text for pre-training the encoders (see 'suwen pretrain')."
    ),
    settings: list[str] = typer.Option(
        [],
        "--set",
        metavar="KEY=VALUE",
        help="Change one value of the profile: fraction=0.2, seeds.group=[0]; repeatable.",
    ),
    engine: EngineName = typer.Option(EngineName.LOCAL, help="ray: on the cluster of RAY_ADDRESS, or on this machine."),
    workers: int = typer.Option(1, min=1, help="Number of parallel runs of the local engine, each in its own process."),
    device: str = DEVICE,
    keep_models: bool = typer.Option(False, help="Keep every trained model."),
    dry_run: bool = typer.Option(
        False, "--dry-run", help="List the runs with the tables that share them; run nothing."
    ),
    resume: bool = typer.Option(
        False, "--resume", help="Continue a run; failed parts are repeated, finished ones are not."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print the figures, or the plan, as JSON."),
) -> None:
    """Run the experiments of the paper and test its claims. These are tables 2 and 4 to 7.

    The report shows the figures of the paper beside the measured ones. The exit status is 1 if a
    run failed; the other runs are still reported.

    Example: suwen reproduce -o results --data articles/ --profile mini --texts more.txt.xz --set fraction=0.2
    """
    from suwen.errors import SuwenError
    from suwen.formats import read_corpus
    from suwen.reproduction.material import check_documents
    from suwen.reproduction.plan import plan_runs, plan_to_dict, required_packages, tables_of
    from suwen.reproduction.profile import load_profile
    from suwen.requirements import require_packages
    from suwen.schema import LCDD

    chosen = load_profile(profile.value, settings)
    wanted = tables_of([name.strip() for name in tables.split(",") if name.strip()])
    runs = plan_runs(chosen, wanted)
    for path in (*texts, *([encoders] if encoders else [])):
        if not path.exists():
            raise SuwenError("S101", path)
    if not dry_run:
        ray = ["ray"] * (engine is EngineName.RAY)
        require_packages(*required_packages(runs, chosen, encoders), *ray)
    source = corpus or SAMPLE
    # In an order of their own, so that the same corpus in another order is the same experiment.
    documents = sorted(read_corpus(source, schema=LCDD), key=lambda document: document.id)
    check_documents(documents, source)
    if dry_run:
        plan = plan_to_dict(runs, chosen, wanted, documents)
        report(plan) if as_json else show(plan_table(plan))
        return
    # Only now: they load torch, which a plan does not need.
    from suwen.reproduction.experiment import Experiment, open_experiment
    from suwen.reproduction.preparation import read_notes
    from suwen.reproduction.report import write_report
    from suwen.reproduction.results import Results
    from suwen.reproduction.runner import perform

    if engine is EngineName.LOCAL:
        check_machine(chosen, device)
    experiment = Experiment(output, chosen, documents, device, encoders, tuple(texts), keep_models)
    open_experiment(experiment, source, resume)
    with run_bar(runs, chosen, documents) as progress:
        failures = perform(
            experiment,
            runs,
            engine_of(engine, workers, chosen.threads, device),
            Watcher(progress, runs, chosen, documents),
        )
    results = Results(output, runs, chosen, failures)
    folder, verdicts = write_report(results, wanted, read_notes(output))
    if as_json:
        report({"report": str(folder), "verdicts": [one.to_dict() for one in verdicts], **counts_of(results)})
    else:
        show(
            *([verdict_table(verdicts, chosen)] if verdicts else []),
            f"{folder / 'report.html'}: the report; README.md beside it is the same",
        )
    if results.failed:
        for reason, names in grouped(results.failed).items():
            fail(f"failed: {named(names)}: {reason}")
        raise typer.Exit(1)


def named(names: Sequence[str]) -> str:
    """Return the first names, and how many more there are."""
    more = f" and {len(names) - SHOWN_FAILURES:,} more" if len(names) > SHOWN_FAILURES else ""
    return ", ".join(names[:SHOWN_FAILURES]) + more


def grouped(failed: Mapping[Run, str]) -> dict[str, list[str]]:
    """Return the names of the failed runs by reason, so that one missing encoder is reported once."""
    names: dict[str, list[str]] = {}
    for run, reason in failed.items():
        names.setdefault(reason, []).append(run.name)
    return names


def check_machine(profile: Profile, device: str) -> None:
    """Refuse a device or a precision that this machine does not have, before anything is made.

    Raises
    ------
    SuwenError
        As `suwen.training.device.check_device`.
    """
    from suwen.reproduction.paper import SYSTEMS
    from suwen.reproduction.profile import system_config
    from suwen.training.config import TrainingConfig
    from suwen.training.device import check_device

    configs = (system_config(system, profile, 0) for system in SYSTEMS.values())
    for precision in {one.optimization.precision for one in configs if isinstance(one, TrainingConfig)}:
        check_device(device, precision)


def engine_of(name: EngineName, workers: int, threads: int, device: str) -> Engine:
    """Return the engine of that name."""
    if name is EngineName.LOCAL:
        from suwen.reproduction.engine import LocalEngine

        return LocalEngine(workers)
    from suwen.reproduction.ray import RayEngine

    return RayEngine(threads, gpus=1 if device != "cpu" else 0)


def run_bar(runs: Sequence[Run], profile: Profile, documents: Sequence[Document]) -> Progress:
    """Return a bar over all runs; it moves by what a run is expected to cost, so that the time left means something."""
    from rich.progress import (
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    from suwen.reproduction.plan import estimated_seconds

    progress = Progress(
        TextColumn("{task.fields[ended]} of {task.fields[runs]} runs"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.description}"),
        console=standard_error(),
        speed_estimate_period=86400,
    )
    total = sum(estimated_seconds(run, profile, documents) for run in runs)
    progress.add_task("", total=total, ended=0, runs=len(runs))
    return progress


class Watcher:
    """Shows what begins and what has ended."""

    def __init__(
        self, progress: Progress, runs: Sequence[Run], profile: Profile, documents: Sequence[Document]
    ) -> None:
        from suwen.reproduction.plan import estimated_seconds

        self.progress = progress
        self.seconds = {run.name: estimated_seconds(run, profile, documents) for run in runs}
        self.total = sum(self.seconds.values())
        self.ended = 0
        self.begun: set[str] = set()

    def __call__(self, name: str, result: dict[str, Any] | None) -> None:
        """Record that something begins (None) or has ended."""
        from suwen.reproduction.system_run import AGAIN

        (task,) = self.progress.task_ids
        if result is None:
            self.begun.add(name)
            self.progress.update(task, description=name)
            return
        if result["state"] != AGAIN and name in self.seconds:
            self.ended += 1
            if name not in self.begun:
                # Done before, or failed with a message: not a measure of the current speed.
                self.total -= self.seconds[name]
                self.progress.update(task, total=self.total, ended=self.ended)
                return
            self.progress.update(task, advance=self.seconds[name], ended=self.ended)
        line = f"{'kept' if result.get('kept') else result['state']:6}  {name}"
        if "test" in result:
            line += f"  strict F1 {100 * result['test']['strict_entity']['micro']['f1']:.2f}"
            line += f"  ({result['cost']['seconds']:.0f} s; {self.ended} of {len(self.seconds)} runs{self.time_left()})"
        line = f"{line}  {result.get('error', '')}".rstrip()
        self.progress.console.print(line, highlight=False, markup=False, soft_wrap=True)

    def time_left(self) -> str:
        """Estimate how long the remaining runs take, for logs that show no bar."""
        (task,) = self.progress.tasks
        seconds = task.time_remaining
        return "" if seconds is None else f", about {seconds / 60:.0f} min left"


def plan_table(plan: dict[str, Any]) -> Table:
    """Return the runs, the tables that share them, and what they cost."""
    from rich.table import Table

    table = Table("Run", "Tables", "Minutes", title=f"{len(plan['runs'])} runs, profile {plan['profile']['name']}")
    table.columns[2].justify = "right"
    for row in plan["runs"]:
        table.add_row(row["run"], ", ".join(row["tables"]), f"{row['seconds'] / 60:.1f}")
    table.caption = (
        f"The tables have {plan['rows_of_tables']} rows, which {plan['systems']} systems make up. About "
        f"{plan['seconds'] / 3600:.1f} hours of one core, encoders that are pre-trained not counted."
    )
    return table


def verdict_table(verdicts: Sequence[Verdict], profile: Profile) -> Table:
    """Return a table of the paper's claims and their verdicts."""
    from rich.table import Table

    table = Table("Claim of the paper", "Here", "Points of strict F1 (p)", title="On journal issues that were not seen")
    if profile.name == "smoke":
        table.caption = "The profile smoke only shows that everything works: its verdicts mean nothing."
    for verdict in verdicts:
        points = ", ".join(
            "–" if one.difference is None else f"{one.difference:+.2f} ({one.p_value:.3f})" for one in verdict.judged
        )
        table.add_row(verdict.claim.en, verdict.ruling, points)
    return table


def counts_of(results: Results) -> dict[str, Any]:
    """Return how many runs ended how."""
    return {
        "done": sum(result["state"] == "done" for result in results.by_run.values()),
        "failed": {run.name: reason for run, reason in results.failed.items()},
        "not_run": [run.name for run in results.missing],
    }
