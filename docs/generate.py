"""Write the pages that are made from the code: the error codes and the preset values.

Run it after a change to either: ``python docs/generate.py``. The tests compare the pages with what it would write.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from suwen.corpus.check import KINDS
from suwen.errors import CATALOG
from suwen.training.config import PRESETS, load_training_config

DOCS = Path(__file__).parent
GROUPS = {
    "S1": "Files and folders",
    "S2": "Annotations and formats",
    "S3": "Corpora and splits",
    "S4": "Configuration and label sets",
    "S5": "Models",
    "S6": "Relations",
    "S7": "Graphs",
    "S8": "Server",
    "S9": "Annotation",
}
BEGIN, END = "<!-- presets -->", "<!-- end of presets -->"
FITTED = "The values of `best` are those for `bilstm`, `bigru`, `cnn` and language models. For other encoders:"

ERRORS_INTRODUCTION = """# Error and finding codes

An error that you can fix is one line: the code, file and line (if known), what is wrong, and what to do. The exit
status is 2. Words in braces are placeholders. In Python it is a `suwen.SuwenError` with `code`, `path`, `line` and
`fields`.

`docs/generate.py` writes this page.
"""

FINDINGS_INTRODUCTION = """
## Findings of `suwen corpus check`

Errors (exit status 1) stop a reader or make a document useless for training; they have the codes above. Warnings (exit
status 0) should be checked.
"""


def errors_page() -> str:
    """Return the page of all codes."""
    parts = [ERRORS_INTRODUCTION]
    for group, heading in GROUPS.items():
        parts.append(f"\n## {heading}\n\n| code | what is wrong | what to do |\n| --- | --- | --- |\n")
        parts += [
            f"| {code} | {_cell(message.text)} | {_cell(message.advice)} |\n"
            for code, message in sorted(CATALOG.items())
            if code.startswith(group)
        ]
    parts.append(f"{FINDINGS_INTRODUCTION}\n| code | severity | finding |\n| --- | --- | --- |\n")
    parts += [f"| {code} | {kind.severity} | {_cell(kind.meaning)} |\n" for code, kind in KINDS.items()]
    return "".join(parts)


def with_preset_table(page: str) -> str:
    """Return the page on configuration with a new table of preset values."""
    values = [_flat(load_training_config(preset).model_dump()) for preset in PRESETS]
    rows = [
        f"| `{key}` | {' | '.join(f'`{_toml(column[key])}`' for column in values)} |\n"
        for key in values[0]
        if key != "preset"
    ]
    head = f"| key | {' | '.join(f'`{preset}`' for preset in PRESETS)} |\n| --- |{' --- |' * len(PRESETS)}\n"
    table = f"{BEGIN}\n\n{head}{''.join(rows)}\n{_fitted_table()}\n{END}"
    return re.sub(f"{BEGIN}.*{END}", lambda _: table, page, flags=re.DOTALL)


def _fitted_table() -> str:
    """Return the table of the values that `best` changes for other encoders."""
    encoders = {
        "bilstm, bigru, cnn": {},
        "pretrained, width 768": {"encoder.name": "bert"},
        "transformer, or pretrained with random weights": {"encoder.name": "bert", "encoder.initialization": "random"},
    }
    values = [_flat(load_training_config("best", options=options).model_dump()) for options in encoders.values()]
    rows = [
        f"| `{key}` | {' | '.join(f'`{_toml(column[key])}`' for column in values)} |\n"
        for key in values[0]
        if len({column[key] for column in values}) > 1 and key not in encoders[[*encoders][-1]]
    ]
    head = f"| key | {' | '.join(encoders)} |\n| --- |{' --- |' * len(encoders)}\n"
    return f"{FITTED}\n\n{head}{''.join(rows)}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in values.items():
        flat |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat


def _toml(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else f'"{value}"' if isinstance(value, str) else f"{value}"


if __name__ == "__main__":
    (DOCS / "errors.md").write_text(errors_page(), encoding="utf-8")
    configuration = DOCS / "configuration.md"
    configuration.write_text(with_preset_table(configuration.read_text(encoding="utf-8")), encoding="utf-8")
