"""What nbprod knows of the language itself: built-in functions and the methods of built-in types."""

from __future__ import annotations

from nbprod.libraries.calls import Call, Result, Role, Table, named

_PLAIN = Call(result=Result.PLAIN, cheap=True)
_PURE = Call(cheap=True)
_CONSULTS = Call(result=Result.PLAIN)

_PLAIN_FUNCTIONS = (
    "abs", "all", "any", "ascii", "bin", "bool", "bytes", "callable", "chr", "complex", "divmod", "float", "format",
    "hasattr", "hash", "hex", "id", "int", "isinstance", "issubclass", "len", "oct", "ord", "pow", "range", "repr",
    "round", "str", "sum", "slice", "object",
)  # fmt: skip
_TEXT_METHODS = (
    "capitalize", "casefold", "center", "count", "decode", "encode", "endswith", "expandtabs", "find", "format",
    "format_map", "hex", "index", "is_integer", "isalnum", "isalpha", "isascii", "isdecimal", "isdigit",
    "isidentifier", "islower", "isnumeric", "isprintable", "isspace", "istitle", "isupper", "join", "ljust",
    "lower", "lstrip", "maketrans", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex",
    "rjust", "rpartition", "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title",
    "translate", "upper", "zfill", "bit_length", "conjugate", "date", "strftime", "isoformat", "total_seconds",
    "weekday", "isoweekday", "timestamp", "timetuple", "exists", "is_file", "is_dir", "with_suffix", "with_name",
    "as_posix", "resolve", "joinpath", "relative_to", "absolute", "expanduser",
)  # fmt: skip
_GROWS = Call(changes=("self",), keeps=True, result=Result.PLAIN)
_SHRINKS = Call(changes=("self",), result=Result.PART)
_REORDERS = Call(changes=("self",), result=Result.PLAIN)
_READS_PART = Call(result=Result.PART, cheap=True)
_COPIES = Call(result=Result.HOLDS, cheap=True)

CALLS: Table = {
    **named("builtins", _PLAIN_FUNCTIONS, _PLAIN),
    "builtins.print": Call(result=Result.PLAIN, changes=("file",), role=Role.SHOW),
    "builtins.display": Call(result=Result.PLAIN, role=Role.SHOW),
    "builtins.help": Call(result=Result.PLAIN, role=Role.SHOW),
    "builtins.dir": _CONSULTS,
    "builtins.type": _CONSULTS,
    "builtins.super": Call(result=Result.PART),
    "builtins.input": _CONSULTS,
    "builtins.breakpoint": _CONSULTS,
    "builtins.max": Call(result=Result.PART, cheap=True),
    "builtins.min": Call(result=Result.PART, cheap=True),
    "builtins.getattr": Call(result=Result.PART),
    "builtins.delattr": Call(changes=("0",), result=Result.PLAIN),
    "builtins.setattr": Call(changes=("0",), keeps=True, result=Result.PLAIN),
    "builtins.list": Call(gives="builtins.list", result=Result.HOLDS, cheap=True),
    "builtins.tuple": Call(gives="builtins.tuple", result=Result.HOLDS, cheap=True),
    "builtins.set": Call(gives="builtins.set", result=Result.HOLDS, cheap=True),
    "builtins.frozenset": Call(gives="builtins.set", result=Result.HOLDS, cheap=True, literal=True),
    "builtins.dict": Call(gives="builtins.dict", result=Result.HOLDS, cheap=True),
    "builtins.bytearray": _PURE,
    "builtins.memoryview": Call(result=Result.VIEW, stays="a view of another value's memory"),
    "builtins.sorted": Call(gives="builtins.list", result=Result.HOLDS, cheap=True),
    **named("builtins", ("zip", "enumerate"), Call(gives="builtins.iterator", result=Result.PAIRS)),
    **named("builtins", ("map", "filter", "reversed"), Call(gives="builtins.iterator", result=Result.HOLDS)),
    "builtins.iter": Call(gives="builtins.iterator", result=Result.HOLDS),
    "builtins.next": Call(changes=("0",), result=Result.PART),
    "builtins.vars": Call(result=Result.PART),
    "builtins.<class>": Call(result=Result.HOLDS, cheap=True),  # exceptions
    "builtins.property": Call(result=Result.HOLDS, cheap=True),
    "builtins.staticmethod": Call(result=Result.SELF, cheap=True),
    "builtins.classmethod": Call(result=Result.SELF, cheap=True),
    "builtins.open": Call(gives="builtins.file", result=Result.HOLDS, stays="an open file"),
    **named("plain", _TEXT_METHODS, _PLAIN),
    "plain.*": Call(result=Result.PLAIN),
    # lists
    **named("builtins.list", ("append", "extend", "insert"), _GROWS),
    **named("builtins.list", ("pop",), _SHRINKS),
    **named("builtins.list", ("remove", "clear", "sort", "reverse"), _REORDERS),
    "builtins.list.copy": _COPIES,
    "builtins.list.*": _PLAIN,
    # tuples
    "builtins.tuple.*": _PLAIN,
    # dictionaries
    **named("builtins.dict", ("update",), _GROWS),
    "builtins.dict.setdefault": Call(changes=("self",), keeps=True, result=Result.PART),
    **named("builtins.dict", ("pop", "popitem"), _SHRINKS),
    "builtins.dict.clear": _REORDERS,
    "builtins.dict.copy": _COPIES,
    "builtins.dict.fromkeys": _COPIES,
    **named("builtins.dict", ("get",), _READS_PART),
    **named("builtins.dict", ("keys", "values"), Call(gives="builtins.view", result=Result.HOLDS, cheap=True, stays="a view of a dictionary")),
    "builtins.dict.items": Call(gives="builtins.view", result=Result.PAIRS, cheap=True, stays="a view of a dictionary"),
    "builtins.view.*": _PLAIN,
    # sets
    **named("builtins.set", ("add", "update"), _GROWS),
    **named("builtins.set", ("discard", "remove", "clear", "difference_update", "intersection_update", "symmetric_difference_update"), _REORDERS),
    "builtins.set.pop": _SHRINKS,
    **named("builtins.set", ("issubset", "issuperset", "isdisjoint"), _PLAIN),
    **named("builtins.set", ("copy", "union", "intersection", "difference", "symmetric_difference"), _COPIES),
    # what runs on as it is read
    "builtins.iterator.*": Call(changes=("self",), result=Result.PART),
    # files
    "builtins.file.*": Call(changes=("self",), result=Result.PLAIN),
}  # fmt: skip
