"""Settings that decide the output of a relation model, in addition to its trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from suwen.errors import SuwenError
from suwen.model_folder import check_keys, read_rules
from suwen.schema import Schema
from suwen.tagging.calibration import Calibration

__all__ = ["KIND", "RelationSettings"]

KIND = "relations"
"""The kind of model that a folder with a relation model names."""

ROUNDS = "rounds"
"""A setting of the networks of former releases, which alone they had."""


@dataclass(frozen=True)
class RelationSettings:
    """The settings of a relation model.

    Parameters
    ----------
    schema
        The entity types that are read, and the relation types that are found.
    reach
        The maximum number of characters between the arguments of a relation.
    calibration
        Maps the model's probabilities to confidences.
    thresholds
        By relation type the least confidence with which it is reported.
    """

    schema: Schema
    reach: int
    calibration: Calibration
    thresholds: Mapping[str, float]

    def to_dict(self) -> dict[str, Any]:
        """Return the settings as JSON values; `from_dict` reads them back exactly."""
        return {
            "schema": self.schema.to_dict(),
            "reach": self.reach,
            "calibration": asdict(self.calibration),
            "thresholds": dict(self.thresholds),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], path: Path | None = None) -> RelationSettings:
        """Build settings from the values that `to_dict` made.

        Raises
        ------
        SuwenError
            S401 when a key is unknown, S407 when the label set is broken, S501 when a key is missing or its value is
            not of its kind, S608 when the model is a network of a former release.
        """
        if ROUNDS in values:
            raise SuwenError("S608", path)
        check_keys(
            values,
            {"schema": (dict,), "reach": (int,), "calibration": (dict,), "thresholds": (dict,)},
            path,
        )
        schema = Schema.from_dict(values["schema"], path)
        thresholds = values["thresholds"]
        check_keys(thresholds, {kind.name: (float,) for kind in schema.relations}, path)
        if values["reach"] < 0:
            raise SuwenError("S501", path, reason=f"'reach' is {values['reach']}, expected at least 0")
        calibration = read_rules(Calibration, values["calibration"], path)
        return cls(schema, values["reach"], calibration, thresholds)
