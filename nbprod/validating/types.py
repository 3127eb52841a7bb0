"""Types of columns: expectations on them, and bounds that fit them.

GX judges a type by the name that each engine gives it.

A stored column has one type whatever engine reads it, so every engine's name for it is right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbprod.validating.asking import Uncovered

if TYPE_CHECKING:
    from collections.abc import Mapping

TYPE_EXPECTATIONS = (
    "expect_column_type_to_be",
    "expect_column_values_to_be_of_type",
    "expect_column_values_to_be_in_type_list",
)

# By Ibis' name: what pandas, numpy and Python, SQL, and Spark call it.
_NAMES: dict[str, tuple[str, ...]] = {
    "boolean": ("bool", "bool_", "boolean", "BOOLEAN", "BOOL", "BooleanType"),
    "int8": ("int8", "Int8", "TINYINT", "ByteType"),
    "int16": ("int16", "Int16", "SMALLINT", "ShortType"),
    "int32": ("int32", "Int32", "INTEGER", "INT", "IntegerType"),
    "int64": ("int64", "Int64", "int", "int_", "BIGINT", "LongType"),
    "uint8": ("uint8", "UInt8", "UTINYINT"),
    "uint16": ("uint16", "UInt16", "USMALLINT"),
    "uint32": ("uint32", "UInt32", "UINTEGER"),
    "uint64": ("uint64", "UInt64", "UBIGINT"),
    "float32": ("float32", "Float32", "REAL", "FLOAT", "FloatType"),
    "float64": (
        "float64",
        "Float64",
        "float",
        "float_",
        "DOUBLE",
        "DOUBLE_PRECISION",
        "FLOAT64",
        "DoubleType",
    ),
    "string": ("str", "string", "object", "object_", "VARCHAR", "TEXT", "STRING", "CHAR", "StringType"),
    "date": ("date", "DATE", "DateType"),
    "time": ("time", "TIME"),
    "timestamp": (
        *("datetime", "datetime64", "datetime64[ns]", "datetime64[us]", "datetime64[ms]", "datetime64[s]"),
        *("Timestamp", "TIMESTAMP", "DATETIME", "TIMESTAMP_NTZ", "TimestampType", "TimestampNTZType"),
    ),
    "decimal": ("Decimal", "DECIMAL", "NUMERIC", "DecimalType"),
    "binary": ("bytes", "BLOB", "BINARY", "BinaryType"),
    "interval": ("timedelta64", "timedelta64[ns]", "Timedelta", "INTERVAL"),
    "array": ("list", "ARRAY", "ArrayType"),
    "struct": ("dict", "STRUCT", "StructType"),
    "map": ("MAP", "MapType"),
}
_KNOWN = frozenset(name for names in _NAMES.values() for name in names)


def type_result(table: Any, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """GX's result for a type expectation; raises Uncovered where the column or the type isn't known here."""
    column = arguments["column"]
    if column not in table.columns:
        raise Uncovered(f"no column {column!r}")
    kind = table.schema()[column].copy(nullable=True)
    wanted = [arguments["type_"]] if "type_" in arguments else arguments.get("type_list")
    names = (str(kind), *_NAMES.get(type(kind).__name__.lower(), ()))
    if wanted is not None:
        strange = [name for name in wanted if name not in _KNOWN and name not in names]
        if len(strange) == len(wanted):
            raise Uncovered(f"the type {strange}")
    # GX takes the absence of a list for no expectation at all.
    success = wanted is None or any(name in names for name in wanted)
    return {"success": success, "result": {"observed_value": str(kind)}}


def with_fitting_times(kwargs: Mapping[str, Any], table: Any) -> dict[str, Any]:
    """The arguments with a date as the midnight that it starts with where the column holds times, and back.

    Python compares no date with a time; whoever expects `max_value=date(2013, 12, 31)` means that midnight.
    """
    column = kwargs.get("column")
    if column not in table.columns:
        return dict(kwargs)
    kind = table.schema()[column]
    bounds = {name: kwargs[name] for name in ("min_value", "max_value") if isinstance(kwargs.get(name), str)}
    if kind.is_timestamp():
        bounds = {
            name: f"{text}T00:00:00" if len(text) == len("2013-12-31") else text
            for name, text in bounds.items()
        }
    elif kind.is_date():
        bounds = {name: text.removesuffix("T00:00:00") for name, text in bounds.items()}
    return {**kwargs, **bounds}
