"""What nbprod knows of scipy."""

from __future__ import annotations

from nbprod.libraries.calls import NUMPY_RANDOM, Call, Table
from nbprod.libraries.moves import Accumulates, Moves, Ranks, Reduces, RowWise, Smooths

_BOTH_SIDES = (
    "signal.filtfilt", "signal.sosfiltfilt", "signal.hilbert", "signal.detrend", "signal.wiener", "signal.decimate",
    "signal.resample", "signal.resample_poly", "signal.cwt", "signal.stft", "signal.spectrogram", "signal.welch",
    "fft.fft", "fft.rfft", "fft.ifft", "fft.irfft", "fft.dct", "fft.idct", "fftpack.fft", "fftpack.ifft", "fftpack.dct",
    "fftpack.rfft", "fftpack.irfft", "interpolate.interp1d", "interpolate.UnivariateSpline",
    "interpolate.CubicSpline", "interpolate.splrep", "interpolate.PchipInterpolator", "interpolate.make_interp_spline",
    "interpolate.make_smoothing_spline", "interpolate.Akima1DInterpolator", "ndimage.gaussian_filter",
    "ndimage.uniform_filter", "ndimage.median_filter", "signal.find_peaks_cwt", "interpolate.griddata",
    "optimize.curve_fit", "signal.fftconvolve", "signal.argrelextrema", "signal.argrelmax", "signal.argrelmin",
    "signal.find_peaks", "signal.peak_prominences",
)  # fmt: skip
_STATISTICS = (
    "stats.skew", "stats.kurtosis", "stats.mode", "stats.iqr", "stats.gmean", "stats.hmean", "stats.trim_mean",
    "stats.linregress", "stats.pearsonr", "stats.spearmanr", "stats.ttest_ind", "stats.norm.fit", "stats.entropy",
    "stats.median_abs_deviation", "stats.percentileofscore", "stats.scoreatpercentile", "stats.gaussian_kde",
)  # fmt: skip

MOVES: Moves = {
    **{f"scipy.{name}": Smooths() for name in _BOTH_SIDES},
    **{f"scipy.{name}": Reduces() for name in _STATISTICS},
    "scipy.interpolate.interp1d": Smooths(
        parameters=("y", "kind"), mode="kind", causal_modes=("previous",), usual_mode="linear"
    ),
    "scipy.signal.argrelextrema": Smooths(
        parameters=("comparator", "axis", "order"), window="order", factor=1
    ),
    "scipy.signal.argrelmax": Smooths(parameters=("axis", "order"), window="order", factor=1),
    "scipy.signal.argrelmin": Smooths(parameters=("axis", "order"), window="order", factor=1),
    "scipy.signal.savgol_filter": Smooths(parameters=("window_length", "polyorder"), window="window_length"),
    "scipy.signal.medfilt": Smooths(parameters=("kernel_size",), window="kernel_size"),
    "scipy.signal.convolve": Smooths(
        parameters=("in2", "mode"), window="in2", mode="mode", causal_modes=("full", "valid")
    ),
    "scipy.ndimage.gaussian_filter1d": Smooths(parameters=("sigma",), window="sigma", factor=4),
    "scipy.ndimage.uniform_filter1d": Smooths(parameters=("size",), window="size", origin="origin"),
    "scipy.ndimage.median_filter": Smooths(parameters=("size",), window="size", origin="origin"),
    **{
        f"scipy.ndimage.{name}": Smooths(parameters=("weights",), window="weights", origin="origin")
        for name in ("convolve1d", "correlate1d", "convolve", "correlate")
    },
    **{
        f"scipy.ndimage.{name}": Smooths(parameters=("size",), window="size", origin="origin")
        for name in ("maximum_filter1d", "minimum_filter1d", "maximum_filter", "minimum_filter")
    },
    "scipy.ndimage.percentile_filter": Smooths(parameters=("percentile", "size"), window="size"),
    "scipy.ndimage.generic_filter1d": Smooths(parameters=("function", "filter_size"), window="filter_size"),
    "scipy.ndimage.spline_filter1d": Smooths(),
    "scipy.ndimage.gaussian_laplace": Smooths(parameters=("sigma",), window="sigma", factor=4),
    "scipy.signal.oaconvolve": Smooths(
        parameters=("in2", "mode"), window="in2", mode="mode", causal_modes=("full", "valid")
    ),
    "scipy.ndimage.shift": Smooths(),
    "scipy.signal.lfilter": Accumulates(),
    "scipy.signal.sosfilt": Accumulates(),
    "scipy.stats.zscore": Ranks(),
    "scipy.stats.rankdata": Ranks(),
    "scipy.stats.boxcox": Ranks(parameters=("lmbda",), given="lmbda"),
    "scipy.stats.yeojohnson": Ranks(parameters=("lmbda",), given="lmbda"),
    "scipy.special.boxcox": RowWise(),
    "scipy.stats.mstats.winsorize": Ranks(),
    "scipy.special.expit": RowWise(),
    "scipy.special.boxcox1p": RowWise(),
    "scipy.special.logit": RowWise(),
}


# What calls do to their arguments, to state and to files.

CALLS: Table = {
    "scipy.stats.*": Call(draws=NUMPY_RANDOM),
    "scipy.optimize.*": Call(draws=NUMPY_RANDOM),
    "scipy.io.*": Call(reads_file=True, writes_file=True),
    "scipy.special.*": Call(cheap=True),
    "scipy.*": Call(),
}  # fmt: skip
