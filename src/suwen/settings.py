"""Settings of a run: sections as pydantic models, put together from a preset, a TOML file and ``--set`` overrides."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from suwen.errors import SuwenError, unknown_key
from suwen.files import parse_toml, read_text

__all__ = [
    "Overrides",
    "Section",
    "Settings",
    "assignments",
    "parse_settings",
    "preset_settings",
    "validated",
    "with_overrides",
]


Overrides = Mapping[str, Any] | Sequence[str]
"""Single values of a configuration: ``key=value`` strings, or a mapping by dotted key."""


class Section(BaseModel):
    """A table of the configuration; unknown keys, NaN and infinity are errors, values do not change afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


Configuration = TypeVar("Configuration", bound=Section)


@dataclass(frozen=True, slots=True)
class Settings:
    """The values of a run before they are validated.

    Parameters
    ----------
    preset
        The name of the preset.
    given
        The values of file and overrides, by table.
    values
        The values of the preset, replaced by the given ones.
    """

    preset: str
    given: dict[str, Any]
    values: dict[str, Any]


def preset_settings(
    presets: Mapping[str, Mapping[str, Any]], preset: str, file: Path | None, overrides: Mapping[str, Any]
) -> Settings:
    """Merge preset, TOML file and overrides by dotted key; later ones win.

    Parameters
    ----------
    presets
        The known presets: tables of values by name.
    preset
        The preset's name; a ``preset`` in the file or the overrides wins.

    Raises
    ------
    SuwenError
        S402 when a key goes into what is no table or a table gets a plain value, S403 for broken TOML, S404 for an
        unknown preset.
    """
    given = with_overrides({} if file is None else parse_toml(read_text(file), file), overrides, file)
    preset = given.pop("preset", preset)
    # A file may name anything as its preset, a list too.
    if preset not in [*presets]:
        raise SuwenError("S404", file, what="preset", name=preset, known=", ".join(presets))
    values: dict[str, Any] = {"preset": preset, **presets[preset]}
    for key, value in given.items():
        if isinstance(values.get(key), dict) and not isinstance(value, dict):
            raise SuwenError("S402", file, key=key, reason="it is a table")
        values[key] = {**values.get(key, {}), **value} if isinstance(value, dict) else value
    return Settings(preset, given, values)


def assignments(settings: Overrides) -> list[str]:
    """Return settings as ``key=value`` strings.

    Examples
    --------
    >>> assignments({"seed": 1, "head.name": "fc"})
    ['seed=1', 'head.name="fc"']
    """
    if isinstance(settings, Mapping):
        return [f"{key}={json.dumps(value, ensure_ascii=False, default=str)}" for key, value in settings.items()]
    return [settings] if isinstance(settings, str) else list(settings)


def parse_settings(settings: Overrides) -> dict[str, Any]:
    """Return the values of settings by dotted key; in a ``key=value`` string the value is TOML, or a plain string.

    Raises
    ------
    SuwenError
        S402 when there is no ``=``.
    """
    if isinstance(settings, Mapping):
        return dict(settings)
    overrides = {}
    for setting in assignments(settings):
        key, equals, value = setting.partition("=")
        if not equals:
            raise SuwenError("S402", key=setting, reason="the form is key=value")
        overrides[key.strip()] = _toml_value(value.strip())
    return overrides


def with_overrides(values: Mapping[str, Any], overrides: Mapping[str, Any], file: Path | None = None) -> dict[str, Any]:
    """Return a configuration's values with others, by dotted key, in their place.

    Raises
    ------
    SuwenError
        S402 when a key goes into what is no table.
    """
    changed: dict[str, Any] = copy.deepcopy(dict(values))
    for key, value in overrides.items():
        *tables, name = key.split(".")
        table = changed
        for part in tables:
            table = table.setdefault(part, {})
            if not isinstance(table, dict):
                raise SuwenError("S402", file, key=part, reason="it is a table")
        table[name] = value
    return changed


def validated(kind: type[Configuration], values: Mapping[str, Any], file: Path | None = None) -> Configuration:
    """Return the configuration of these values.

    Raises
    ------
    SuwenError
        S401 for a misspelt key, S402 for a bad value.
    """
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        raise _readable(error, kind, file) from None


def _toml_value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _readable(error: ValidationError, kind: type[Section], file: Path | None) -> SuwenError:
    """Return the first problem of a pydantic error as one line."""
    problem = error.errors()[0]
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        parent, known = key.rpartition(".")[0], _known_keys(kind)
        siblings = [name for name in known if name.rpartition(".")[0] == parent]
        elsewhere = [name for name in known if name.rpartition(".")[2] == key.rpartition(".")[2]]
        return unknown_key(key, elsewhere[:1] or siblings or known, file)
    reason = problem["msg"].removeprefix("Value error, ")
    # An error that concerns several tables has no key.
    return SuwenError("S402", file, key=key or "configuration", reason=reason[:1].lower() + reason[1:])


def _known_keys(kind: type[Section]) -> list[str]:
    keys: list[str] = []
    for name, field in kind.model_fields.items():
        keys.append(name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, Section):
            keys += [f"{name}.{key}" for key in field.annotation.model_fields]
    return keys
