"""What nbprod knows of libraries that forecast: sktime, darts, neuralforecast, statsforecast, pmdarima, tsfresh."""

from __future__ import annotations

from nbprod.libraries.moves import Learns, Moves

_FORECASTERS = (
    # sktime
    "NaiveForecaster", "ThetaForecaster", "AutoARIMA", "AutoETS", "BATS", "TBATS", "PolynomialTrendForecaster",
    "TransformedTargetForecaster", "ForecastingPipeline", "RecursiveTabularRegressionForecaster",
    "DirectTabularRegressionForecaster", "EnsembleForecaster", "StackingForecaster", "ReducerForecaster", "SquaringResiduals",
    "TimeSeriesForestClassifier", "RocketClassifier", "MiniRocketClassifier", "KNeighborsTimeSeriesClassifier",
    "TimeSeriesForestRegressor", "RocketRegressor",
    # darts
    "NBEATSModel", "NHiTSModel", "TFTModel", "TCNModel", "RNNModel", "BlockRNNModel", "TransformerModel", "DLinearModel",
    "NLinearModel", "TiDEModel", "TSMixerModel", "LightGBMModel", "XGBModel", "CatBoostModel", "RandomForestModel",
    "LinearRegressionModel", "RegressionModel", "NaiveSeasonal", "NaiveDrift", "FFT", "KalmanForecaster", "StatsForecastAutoARIMA",
    # neuralforecast, statsforecast, gluonts, others
    "NeuralForecast", "StatsForecast", "MLForecast", "NeuralProphet", "Orbit", "DeepAREstimator", "TemporalFusionTransformer",
    "AutoTheta", "CrostonClassic", "Silverkite",
)  # fmt: skip
_LEARN_STATISTICS = (
    "darts.dataprocessing.transformers.Scaler", "darts.dataprocessing.transformers.BoxCox",
    "darts.dataprocessing.transformers.StaticCovariatesTransformer",
    "darts.dataprocessing.transformers.MissingValuesFiller",
    "sktime.transformations.series.boxcox.BoxCoxTransformer", "sktime.transformations.series.detrend.Detrender",
    "sktime.transformations.series.detrend.Deseasonalizer", "sktime.transformations.series.impute.Imputer",
    "sktime.transformations.series.adapt.TabularToSeriesAdaptor", "sktime.transformations.panel.rocket.Rocket",
    "sktime.transformations.panel.rocket.MiniRocket", "sktime.transformations.panel.pca.PCATransformer",
)  # fmt: skip
_READ_ROWS_BEFORE = (
    "LagFeatures", "WindowFeatures", "ExpandingWindowFeatures", "DatetimeFeatures", "CyclicalFeatures", "DatetimeSubtraction",
    "LogTransformer", "LogCpTransformer", "ReciprocalTransformer", "RelativeFeatures", "MathFeatures", "DropFeatures",
    "ArbitraryNumberImputer", "CombineWithReferenceFeature", "MathematicalCombination",
)  # fmt: skip

CLASSES: Moves = {
    **{name: Learns(role="predictor") for name in _FORECASTERS},
    **{name: Learns(role="stateless") for name in _READ_ROWS_BEFORE},
}
# By their whole path: other libraries have classes of the same names.
MOVES: Moves = {
    **{path: Learns(role="transformer") for path in _LEARN_STATISTICS},
    "tsfresh.transformers.RelevantFeatureAugmenter": Learns(role="targets"),
    "tsfresh.transformers.FeatureSelector": Learns(role="targets"),
}
