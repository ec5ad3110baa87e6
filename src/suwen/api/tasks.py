"""The tasks of the package: entities, or relations between them."""

from __future__ import annotations

from typing import Literal, get_args

from suwen.errors import SuwenError

__all__ = ["TASKS", "Task", "require_task"]

Task = Literal["entities", "relations"]
TASKS: tuple[Task, ...] = get_args(Task)


def require_task(task: str) -> None:
    """Refuse an unknown task (S404)."""
    if task not in TASKS:
        raise SuwenError("S404", what="task", name=task, known=", ".join(TASKS))
