"""Checks of arguments that several functions have: the task (entities, or relations between them) and the seed."""

from __future__ import annotations

from typing import Literal, get_args

from suwen.errors import SuwenError

__all__ = ["TASKS", "Task", "require_seed", "require_task"]

Task = Literal["entities", "relations"]
TASKS: tuple[Task, ...] = get_args(Task)


def require_task(task: str) -> None:
    """Refuse an unknown task (S404)."""
    if task not in TASKS:
        raise SuwenError("S404", what="task", name=task, known=", ".join(TASKS))


def require_seed(seed: int) -> None:
    """Refuse a negative seed (S402), which generators of random numbers do not take."""
    if seed < 0:
        raise SuwenError("S402", key="seed", reason=f"{seed} is below 0")
