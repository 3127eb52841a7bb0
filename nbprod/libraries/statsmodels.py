"""What nbprod knows of statsmodels and of packages like it that take a whole series apart."""

from __future__ import annotations

from nbprod.libraries.calls import NUMPY_RANDOM, Call, Result, Role, Table, named
from nbprod.libraries.moves import Models, Moves, Reduces, Smooths

_WHOLE_SERIES = (
    "statsmodels.tsa.seasonal.seasonal_decompose", "statsmodels.tsa.seasonal.STL", "statsmodels.tsa.seasonal.MSTL",
    "statsmodels.tsa.filters.hp_filter.hpfilter", "statsmodels.tsa.filters.hpfilter", "statsmodels.tsa.tsatools.detrend",
    "statsmodels.tsa.filters.bk_filter.bkfilter", "statsmodels.tsa.filters.cf_filter.cffilter",
    "statsmodels.nonparametric.smoothers_lowess.lowess", "statsmodels.nonparametric.lowess",
    "statsmodels.api.nonparametric.lowess", "statsmodels.api.tsa.seasonal_decompose",
    "statsmodels.api.tsa.filters.hpfilter", "statsmodels.api.tsa.filters.bkfilter",
    "statsmodels.api.tsa.filters.cffilter", "statsmodels.api.tsa.STL", "statsmodels.api.tsa.detrend",
    "statsmodels.tsa.api.seasonal_decompose", "statsmodels.tsa.api.STL", "statsmodels.tsa.api.hpfilter",
    "pywt.wavedec", "pywt.waverec", "pywt.dwt", "pywt.idwt", "pywt.swt", "pywt.threshold", "pykalman.KalmanFilter.smooth",
    "PyEMD.EMD", "tsmoothie.LowessSmoother",
)  # fmt: skip
_TESTS = ("adfuller", "kpss", "acf", "pacf", "coint", "grangercausalitytests", "arma_order_select_ic")
_REGRESSIONS = (
    "OLS", "WLS", "GLS", "GLSAR", "GLM", "Logit", "Probit", "MNLogit", "Poisson", "NegativeBinomial", "QuantReg", "RLM",
    "MixedLM", "GEE", "PHReg", "RecursiveLS", "OrderedModel", "IV2SLS",
)  # fmt: skip
_OF_SERIES = (
    "ARIMA", "SARIMAX", "AutoReg", "ARDL", "ExponentialSmoothing", "SimpleExpSmoothing", "Holt", "ETSModel",
    "UnobservedComponents", "ThetaModel", "VAR", "VARMAX", "VECM", "DynamicFactor", "MarkovRegression",
    "MarkovAutoregression",
)  # fmt: skip
_FORMULAS = (
    "ols",
    "wls",
    "gls",
    "glm",
    "logit",
    "probit",
    "mnlogit",
    "poisson",
    "quantreg",
    "rlm",
    "mixedlm",
    "gee",
)

# Classes by their own names, whatever module they are imported from.
CLASSES: Moves = {
    **dict.fromkeys((*_REGRESSIONS, *_OF_SERIES), Models()),
    "arch_model": Models(labels="y", features="x"),
}
MOVES: Moves = {
    **{f"statsmodels.formula.api.{name}": Models(formula="formula") for name in _FORMULAS},
    **{name: Smooths() for name in _WHOLE_SERIES},
    **{f"statsmodels.tsa.stattools.{name}": Reduces() for name in _TESTS},
}


# What calls do to their arguments, to state and to files.

_MODEL = "statsmodels.Model"
_FITS = Call(gives=_MODEL, changes=("self",), result=Result.HOLDS, draws=NUMPY_RANDOM, role=Role.FIT)

CALLS: Table = {
    "statsmodels.api.datasets.*": Call(role=Role.LOAD),
    "statsmodels.datasets.*": Call(role=Role.LOAD),
    "statsmodels.api.add_constant": Call(gives="pandas.DataFrame"),
    **named("statsmodels.tsa.arima_process", ("arma_generate_sample",), Call(gives="numpy.ndarray", draws=NUMPY_RANDOM)),
    "statsmodels.api.tsa.arma_generate_sample": Call(gives="numpy.ndarray", draws=NUMPY_RANDOM),
    "statsmodels.graphics.*": Call(gives="matplotlib.Artist", role=Role.PLOT, stays="a figure or a part of one"),
    "statsmodels.api.graphics.*": Call(gives="matplotlib.Artist", role=Role.PLOT, stays="a figure or a part of one"),
    "statsmodels.api.qqplot": Call(gives="matplotlib.Artist", role=Role.PLOT, stays="a figure or a part of one"),
    "statsmodels.<class>": Call(gives=_MODEL, result=Result.HOLDS),
    "statsmodels.formula.*": Call(gives=_MODEL, result=Result.HOLDS),
    "statsmodels.*": Call(draws=NUMPY_RANDOM),
    **named(_MODEL, ("fit", "fit_regularized", "fit_constrained", "fit_map", "fit_vb"), _FITS),
    **named(_MODEL, ("summary", "summary2", "conf_int", "t_test", "f_test", "wald_test", "get_influence", "cov_params", "resid", "params", "fittedvalues", "bse", "pvalues", "aic", "bic", "rsquared"), Call()),
    **named(_MODEL, ("predict", "forecast", "get_prediction", "get_forecast"), Call(role=Role.PREDICT)),
    **named(_MODEL, ("simulate",), Call(draws=NUMPY_RANDOM)),
    "statsmodels.Model.save": Call(result=Result.PLAIN, writes_file=True, role=Role.SAVE),
    **named(_MODEL, ("plot", "plot_diagnostics", "plot_predict", "plot_components"), Call(gives="matplotlib.Artist", role=Role.PLOT, stays="a figure or a part of one")),
    "statsmodels.Model.*": Call(gives=_MODEL, changes=("self",), result=Result.HOLDS, draws=NUMPY_RANDOM),
    **named("patsy", ("dmatrix", "dmatrices"), Call()),
    "patsy.*": Call(result=Result.HOLDS),
}  # fmt: skip
