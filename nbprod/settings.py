"""What `[tool.nbprod]` in `pyproject.toml` says."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import fields

from nbprod.errors import NbprodError, did_you_mean
from nbprod.model import Severity

if TYPE_CHECKING:
    from collections.abc import Mapping


class Level(StrEnum):
    """The rung of the ladder that a team stands on: each one includes those before it."""

    PROTOTYPE = "prototype"
    SMALL = "small"
    SCALE = "scale"


class Production(Struct, frozen=True, kw_only=True):
    """`[tool.nbprod.production]`: how the pipeline's model is trained, judged and used; what is empty is read from the code.

    `model`, `train_x` ... `test_y` name values that stages give; `time` names the column by which rows are ordered (or a
    value that holds the times of the held-out rows); `data` is the parameter that names the file of a batch. A challenger
    must beat the champion's `metric` by more than `margin`, on blocks of `block` (as pandas writes durations). `seasonal`
    names features, separated by commas, whose change is no drift.
    `alert` is a command that is told of decisions on its standard input, `webhook` an address that they are posted to.
    """

    model: str = ""
    train_x: str = ""
    train_y: str = ""
    test_x: str = ""
    test_y: str = ""
    time: str = ""
    data: str = ""
    metric: str = ""
    margin: float = 0.0
    block: str = ""
    seasonal: str = ""
    alert: str = ""
    webhook: str = ""


class Settings(Struct, frozen=True, kw_only=True):
    """The project's settings, with what holds where none is written.

    `stages` holds options by stage name in the magic line's words; `severity` maps a rule to `error`, `warning`,
    `note` or `off`; `store` is a folder or an fsspec URL; `engine` is `local`, `dask` or `dask=ADDRESS`; `memory` (`4GB`) is what
    stages that run at once may need together; `backend` is the database that Ibis uses where the notebook names none, by
    name (`duckdb`, `pyspark`) or as an address of Ibis.
    """

    level: Level = Level.PROTOTYPE
    stages: Mapping[str, object] = field(default_factory=dict)
    severity: Mapping[str, str] = field(default_factory=dict)
    store: str = ".nbprod/store"
    workers: int = 1
    engine: str = "local"
    backend: str = ""
    memory: str = ""
    deterministic: bool = True
    exclude: tuple[str, ...] = ()
    production: Production = Production()
    mlflow: str = ""


def settings_from(toml: str, *, where: str) -> Settings:
    """The settings in the text of a `pyproject.toml`; raises NbprodError naming the key that is wrong."""
    try:
        table = tomllib.loads(toml).get("tool", {}).get("nbprod", {})
    except tomllib.TOMLDecodeError as error:
        raise NbprodError(f"This is no TOML: {error}.", where=where, remedy="Correct the file.") from error
    known = Settings.__struct_fields__
    for key in table:
        if key not in known:
            raise NbprodError(
                f"[tool.nbprod] has no setting '{key}'.", where=where, remedy=did_you_mean(key, known)
            )
    _refuse_wrong_types(table, where)
    return Settings(
        **{
            **table,
            "level": _choice(table.get("level", "prototype"), Level, "level", where),
            "exclude": tuple(table.get("exclude", ())),
            "production": _production(table.get("production", {}), where),
        }
    )


_ARTICLED = {dict: "a table", str: "text", int: "a whole number", bool: "true or false", list: "a list"}


def _refuse_wrong_types(table: Mapping[str, Any], where: str) -> None:
    wanted = {
        "stages": dict,
        "severity": dict,
        "store": str,
        "workers": int,
        "engine": str,
        "backend": str,
        "memory": str,
        "deterministic": bool,
        "exclude": list,
        "mlflow": str,
    }
    for key, kind in wanted.items():
        if key in table and not isinstance(table[key], kind):
            raise NbprodError(
                f"[tool.nbprod] {key} is {table[key]!r}, but should be {_ARTICLED[kind]}.",
                where=where,
                remedy="Correct it.",
            )
    for rule, value in dict(table.get("severity", {})).items():
        if value not in (*Severity, "off"):
            raise NbprodError(
                f"The severity of rule '{rule}' is {value!r}.",
                where=where,
                remedy=f"One of {', '.join(Severity)} or off.",
            )


def _production(table: object, where: str) -> Production:
    known = {one.name: str if one.type is str else float for one in fields(Production)}
    if not isinstance(table, dict):
        raise NbprodError("[tool.nbprod] production should be a table.", where=where, remedy="Correct it.")
    for key, value in table.items():
        if key not in known:
            raise NbprodError(
                f"[tool.nbprod.production] has no setting '{key}'.",
                where=where,
                remedy=did_you_mean(key, known),
            )
        if not isinstance(value, str if known[key] is str else (int, float)) or isinstance(value, bool):
            wanted = "text" if known[key] is str else "a number"
            raise NbprodError(
                f"[tool.nbprod.production] {key} is {value!r}, but should be {wanted}.",
                where=where,
                remedy="Correct it.",
            )
    return Production(**table)


def _choice(value: object, kind: type[Level], key: str, where: str) -> Level:
    try:
        return kind(str(value))
    except ValueError as error:
        raise NbprodError(
            f"[tool.nbprod] {key} is {value!r}.", where=where, remedy=f"One of {', '.join(kind)}."
        ) from error
