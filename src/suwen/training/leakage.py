"""Guards against test leakage through teachers and the texts that they annotate."""

from __future__ import annotations

from suwen.corpus.near_copies import held_out_copy
from suwen.document import Document
from suwen.errors import SuwenError
from suwen.training.data import TrainingData
from suwen.training.distillation import Distillation

__all__ = ["refuse_leaks"]


def refuse_leaks(distillation: Distillation, data: TrainingData) -> None:
    """Refuse texts that overlap a held-out document, and teachers that may have learned from one.

    Raises
    ------
    SuwenError
        S314 for a text, S315 for a teacher.
    """
    for part, selections in data.held_out.items():
        held_out = [
            Document(one.document.id, "".join(one.document.text[start:end] for start, end in one.spans))
            for one in selections
        ]
        copy = held_out_copy(distillation.texts, held_out)
        if copy:
            raise SuwenError("S314", text=copy.first, document=copy.second, part=part)
    own = data.description
    for teacher in distillation.teachers if data.held_out else ():
        same = teacher.data.get("data_hash") == own["data_hash"]
        if same and (teacher.data.get("split"), teacher.data.get("train")) != (own["split"], own["train"]):
            raise SuwenError("S315", name=teacher.name)
