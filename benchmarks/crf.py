"""The CRF beside pytorch-crf 0.7.2: loss with gradient, and decoding, on one thread.

    python benchmarks/crf.py [--rounds 30] [--json FILE]

Both get the same scores, with the same illegal transitions. In every round each competitor runs once, so that a busy
machine slows all alike; the table has medians over the rounds, and the median of the rounds' ratios.
"""

from __future__ import annotations

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import argparse  # noqa: E402
import platform  # noqa: E402
import statistics  # noqa: E402
import time  # noqa: E402
import warnings  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
import torchcrf  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.table import Table  # noqa: E402
from torch import Tensor  # noqa: E402

from suwen.files import write_json  # noqa: E402
from suwen.models.crf import CRF  # noqa: E402
from suwen.schemes import BIO, BIOES, Scheme  # noqa: E402
from suwen.tagging.decode import Transitions, argmax_spans, decode_spans, viterbi  # noqa: E402

LABELS = [f"L{i}" for i in range(15)]
BATCH, LENGTH = 32, 128
REFERENCE = "pytorch-crf"


def torch_viterbi(emissions: Tensor, transitions: Transitions) -> Tensor:
    """Viterbi in torch without back-pointers, for full-length sequences: what numpy is compared with."""
    start, end, matrix = (
        torch.from_numpy(scores) for scores in (transitions.start, transitions.end, transitions.matrix)
    )
    steps = emissions.transpose(0, 1)
    states = [steps[0] + start]
    for step in steps[1:]:
        states.append((states[-1][:, :, None] + matrix).amax(dim=1) + step)
    path = [(states[-1] + end).argmax(dim=1)]
    for state in reversed(states[:-1]):
        path.append((state + matrix.T[path[-1]]).argmax(dim=1))
    return torch.stack(path[::-1], dim=1)


def mentions(generator: np.random.Generator) -> list[tuple[str, int, int]]:
    """Mentions as dense as in medical articles: one in about ten characters."""
    spans, position = [], 0
    while True:
        start = position + int(generator.integers(1, 14))
        position = start + int(generator.integers(1, 8))
        if position > LENGTH:
            return spans
        spans.append((LABELS[generator.integers(len(LABELS))], start, position))


def competitors(scheme: Scheme) -> dict[str, dict[str, Callable[[], Any]]]:
    """Return the measured functions for this scheme, by task and competitor."""
    generator = np.random.default_rng(0)
    torch.manual_seed(0)
    tags = scheme.tags(LABELS)
    gold = torch.tensor([[tags.index(tag) for tag in scheme.encode(LENGTH, mentions(generator))] for _ in range(BATCH)])
    emissions = torch.randn(BATCH, LENGTH, len(tags))
    # As sure as a trained model: most characters clear, some not.
    emissions.scatter_add_(2, gold[:, :, None], torch.full((BATCH, LENGTH, 1), 6.0))
    emissions.requires_grad_()
    lengths = torch.full((BATCH,), LENGTH)

    ours = CRF(tags, scheme)
    with torch.no_grad():
        for weights in ours.parameters():
            weights.uniform_(-1, 1)
    transitions = ours.numpy_transitions()
    theirs = torchcrf.CRF(len(tags), batch_first=True)
    with torch.no_grad():
        theirs.start_transitions.copy_(torch.from_numpy(transitions.start))
        theirs.end_transitions.copy_(torch.from_numpy(transitions.end))
        theirs.transitions.copy_(torch.from_numpy(transitions.matrix))
    fixed, sizes = emissions.detach(), lengths.numpy()

    def gradient(loss: Tensor) -> Tensor:
        return torch.autograd.grad(loss, emissions)[0]

    # pytorch-crf sums in float32, and so is off by this much.
    found = gradient(ours(emissions, gold, lengths).sum())
    torch.testing.assert_close(found, gradient(-theirs(emissions, gold)), rtol=1e-3, atol=1e-3)
    expected = theirs.decode(fixed)
    assert viterbi(fixed.numpy(), sizes, transitions).tolist() == expected
    assert torch_viterbi(fixed, transitions).tolist() == expected
    return {
        "loss, gradient": {
            REFERENCE: lambda: (-theirs(emissions, gold)).backward(),
            "suwen": lambda: ours(emissions, gold, lengths).sum().backward(),
        },
        "decoding": {
            REFERENCE: lambda: theirs.decode(fixed),
            "suwen": lambda: viterbi(fixed.numpy(), sizes, transitions),
            "torch": lambda: torch_viterbi(fixed, transitions),
            "suwen, mentions + marginals": lambda: decode_spans(fixed.numpy(), sizes, transitions, tags, scheme),
            "suwen, argmax of an FC head": lambda: argmax_spans(fixed.numpy(), sizes, tags, scheme),
        },
    }


def measure(runs: dict[str, Callable[[], Any]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each competitor in each round."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append(1000 * (time.perf_counter() - start))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    # pytorch-crf gives torch.where a mask of bytes.
    warnings.filterwarnings("ignore", message="where received a uint8")

    rows = []
    for scheme in (BIO, BIOES):
        for task, runs in competitors(scheme).items():
            times = measure(runs, options.rounds)
            for name, taken in times.items():
                faster = [reference / own for reference, own in zip(times[REFERENCE], taken, strict=True)]
                rows.append(
                    {
                        "tags": len(scheme.tags(LABELS)),
                        "task": task,
                        "competitor": name,
                        "milliseconds_median": round(statistics.median(taken), 3),
                        "milliseconds_least": round(min(taken), 3),
                        "times_faster": round(statistics.median(faster), 2),
                    }
                )

    title = f"batch {BATCH}, length {LENGTH}, one thread, {options.rounds} rounds, milliseconds"
    table = Table("tags", "task", "competitor", "median", "least", "times faster", title=title)
    for row in rows:
        table.add_row(*map(str, row.values()))
    Console().print(table)
    if options.json:
        versions = {"python": platform.python_version(), "torch": torch.__version__, "numpy": np.__version__}
        settings = {"batch": BATCH, "length": LENGTH, "threads": 1, "rounds": options.rounds}
        write_json(options.json, {"settings": settings, "versions": versions, "rows": rows})


if __name__ == "__main__":
    main()
