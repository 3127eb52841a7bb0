"""What nbprod knows of numpy."""

from __future__ import annotations

from nbprod.libraries.calls import NUMPY_RANDOM, Call, Result, Role, Table, named
from nbprod.libraries.moves import (
    Accumulates,
    Fresh,
    Lags,
    Loads,
    Moves,
    Ranks,
    Reduces,
    RowWise,
    Shows,
    Smooths,
)

_STATISTICS = (
    "mean", "std", "var", "sum", "max", "min", "amax", "amin", "median", "quantile", "percentile", "prod", "average",
    "nanmean", "nanstd", "nanvar", "nansum", "nanmax", "nanmin", "nanmedian", "nanquantile", "nanpercentile", "ptp",
    "corrcoef", "cov", "histogram", "argmax", "argmin", "unique", "linalg.norm", "histogram_bin_edges", "count_nonzero",
)  # fmt: skip
_ROW_WISE = (
    "log", "log1p", "log2", "log10", "exp", "expm1", "sqrt", "abs", "absolute", "fabs", "sign", "where", "select",
    "clip", "isnan", "isfinite", "isinf", "nan_to_num", "maximum", "minimum", "fmax", "fmin", "sin", "cos", "tan",
    "arctan2", "round", "floor", "ceil", "power", "square", "add", "subtract", "multiply", "divide", "mod", "digitize",
    "logical_and", "logical_or", "logical_not", "logical_xor", "greater", "less", "equal", "array", "asarray",
    "ravel", "squeeze", "float64", "float32", "int64", "int32", "reshape", "atleast_2d", "vectorize", "invert",
    "ascontiguousarray", "copy", "tanh", "arcsin", "arccos", "radians", "hypot", "isin", "in1d", "interp", "matmul", "dot",
    "expand_dims", "ma.masked_invalid",
)  # fmt: skip
_FRESH = (
    "arange", "zeros", "ones", "full", "empty", "linspace", "logspace", "eye", "identity", "random.rand", "random.randn",
    "random.normal", "random.randint", "random.random", "random.uniform", "random.choice", "random.seed",
    "random.default_rng", "timedelta64", "datetime64", "zeros_like", "ones_like", "empty_like", "full_like",
)  # fmt: skip
_CENTRED = ("fft.fft", "fft.rfft", "fft.ifft", "fft.irfft", "fft.fft2")

MOVES: Moves = {
    **{f"numpy.{name}": Reduces() for name in _STATISTICS},
    **{f"numpy.{name}": RowWise() for name in _ROW_WISE},
    **{f"numpy.{name}": Fresh() for name in _FRESH},
    **{f"numpy.{name}": Smooths() for name in _CENTRED},
    "numpy.roll": Lags(parameters=("shift", "axis"), by="shift", wraps=True),
    "numpy.diff": Lags(parameters=("n", "axis"), by="n", keeps_own=True, shortens=True),
    "numpy.ediff1d": Lags(parameters=("to_end",), by="n", keeps_own=True, leads=True),
    "numpy.gradient": Smooths(rows_ahead=1),
    "numpy.convolve": Smooths(
        parameters=("v", "mode"), window="v", mode="mode", causal_modes=("full", "valid")
    ),
    "numpy.correlate": Smooths(parameters=("v", "mode"), window="v"),
    "numpy.cumsum": Accumulates(),
    "numpy.cumprod": Accumulates(),
    "numpy.nancumsum": Accumulates(),
    "numpy.maximum.accumulate": Accumulates(),
    "numpy.minimum.accumulate": Accumulates(),
    "numpy.add.accumulate": Accumulates(),
    "numpy.argsort": Ranks(),
    "numpy.polyfit": Reduces(parameters=("y", "deg")),
    "numpy.polynomial.polynomial.polyfit": Reduces(parameters=("y", "deg")),
    "numpy.linalg.lstsq": Reduces(parameters=("b",)),
    "numpy.linalg.svd": Reduces(),
    "numpy.linalg.eig": Reduces(),
    "numpy.genfromtxt": Loads(parameters=("fname",)),
    "numpy.loadtxt": Loads(parameters=("fname",)),
    "numpy.load": Loads(parameters=("file",)),
    "numpy.set_printoptions": Shows(),
}


# What calls do to their arguments, to state and to files.

_ARRAY = "numpy.ndarray"
_ARRAY_CALL = Call(gives=_ARRAY)
_CHEAP_CALL = Call(gives=_ARRAY, cheap=True)
_VIEW_CALL = Call(gives=_ARRAY, result=Result.VIEW)
_DRAWS = Call(gives=_ARRAY, draws=NUMPY_RANDOM)
_FILLS = Call(result=Result.PLAIN, changes=("0",))
_SETS = Call(result=Result.PLAIN, sets="numpy.options")
_VIEWS = (
    "asarray", "asanyarray", "ascontiguousarray", "asfortranarray", "ravel", "reshape", "squeeze", "transpose",
    "swapaxes", "moveaxis", "rollaxis", "expand_dims", "broadcast_to", "broadcast_arrays", "atleast_1d", "atleast_2d",
    "atleast_3d", "diagonal", "flip", "fliplr", "flipud", "rot90", "split", "array_split", "hsplit", "vsplit", "real",
    "imag", "matrix_transpose", "permute_dims", "require", "nan_to_num", "frombuffer", "lib.stride_tricks.as_strided",
    "lib.stride_tricks.sliding_window_view",
)  # fmt: skip
# Universal functions write into what comes after what they read: `np.add(a, b, out)`.
_OF_ONE = (
    "negative", "positive", "absolute", "fabs", "abs", "rint", "sign", "conj", "conjugate", "exp", "exp2", "log", "log2",
    "log10", "expm1", "log1p", "sqrt", "square", "cbrt", "reciprocal", "sin", "cos", "tan", "arcsin", "arccos", "arctan",
    "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "degrees", "radians", "deg2rad", "rad2deg", "invert",
    "bitwise_not", "logical_not", "isfinite", "isinf", "isnan", "signbit", "floor", "ceil", "trunc", "spacing",
)  # fmt: skip
_OF_TWO = (
    "add", "subtract", "multiply", "matmul", "divide", "true_divide", "floor_divide", "logaddexp", "logaddexp2", "power",
    "float_power", "remainder", "mod", "fmod", "gcd", "lcm", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift",
    "right_shift", "logical_and", "logical_or", "logical_xor", "greater", "greater_equal", "less", "less_equal",
    "not_equal", "equal", "maximum", "minimum", "fmax", "fmin", "arctan2", "hypot", "copysign", "nextafter", "ldexp",
    "heaviside", "dot",
)  # fmt: skip
_OF_THREE = ("clip", "take", "cumsum", "cumprod", "sum", "prod", "mean")
_METHOD_VIEWS = (
    "reshape", "ravel", "view", "transpose", "squeeze", "swapaxes", "diagonal", "T", "flat", "real", "imag", "mT", "base",
)  # fmt: skip

CALLS: Table = {
    **named("numpy", _VIEWS, _VIEW_CALL),
    **named("numpy", ("copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis"), _FILLS),
    **named("numpy", ("array", "arange", "linspace", "zeros", "ones", "full", "eye", "logspace", "zeros_like", "ones_like"), _CHEAP_CALL),
    **named("numpy", ("float64", "float32", "int64", "int32", "dtype", "datetime64", "timedelta64", "bool_"), Call(result=Result.PLAIN, cheap=True, literal=True)),
    **named("numpy", ("set_printoptions", "seterr", "seterrcall", "setbufsize"), _SETS),
    **named("numpy", ("load", "loadtxt", "genfromtxt", "fromfile"), Call(gives=_ARRAY, reads_file=True, role=Role.LOAD)),
    **named("numpy", _OF_ONE, Call(gives=_ARRAY, changes=("1",))),
    **named("numpy", _OF_TWO, Call(gives=_ARRAY, changes=("2",))),
    **named("numpy", _OF_THREE, Call(gives=_ARRAY, changes=("3",))),
    **named("numpy", tuple(f"{name}.at" for name in (*_OF_ONE, *_OF_TWO)), _FILLS),
    "numpy.memmap": Call(gives=_ARRAY, reads_file=True, writes_file=True, stays="an array that lies in a file"),
    **named("numpy", ("save", "savez", "savez_compressed", "savetxt"), Call(result=Result.PLAIN, writes_file=True, role=Role.SAVE)),
    "numpy.nditer": Call(result=Result.HOLDS, stays="an iterator over memory"),
    "numpy.vectorize": Call(result=Result.HOLDS),
    "numpy.*": _ARRAY_CALL,
    **named("numpy.random", ("seed", "set_state"), Call(result=Result.PLAIN, seeds=NUMPY_RANDOM)),
    "numpy.random.get_state": Call(draws=NUMPY_RANDOM),
    "numpy.random.shuffle": Call(result=Result.PLAIN, changes=("0",), draws=NUMPY_RANDOM),
    **named("numpy.random", ("default_rng", "Generator", "RandomState", "PCG64", "MT19937", "SeedSequence", "Philox"), Call(gives="numpy.random.Generator", result=Result.HOLDS)),
    "numpy.random.*": _DRAWS,
    "numpy.random.Generator.shuffle": Call(result=Result.PLAIN, changes=("self", "0")),
    "numpy.random.Generator.*": Call(gives=_ARRAY, changes=("self",)),
    **named(_ARRAY, ("sort", "fill", "put", "partition", "itemset", "setfield", "setflags", "resize", "byteswap"), Call(gives=_ARRAY, changes=("self",))),
    **named(_ARRAY, _METHOD_VIEWS, _VIEW_CALL),
    **named(_ARRAY, ("tofile", "dump"), Call(result=Result.PLAIN, writes_file=True, role=Role.SAVE)),
    "numpy.ndarray.*": _ARRAY_CALL,
}  # fmt: skip
