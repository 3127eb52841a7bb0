"""What nbprod knows of PySpark: functions of columns, windows, its readers, and the estimators of `pyspark.ml`."""

from __future__ import annotations

from nbprod.libraries.moves import Accumulates, Fills, Lags, Learns, Loads, Moves, Reduces, Splits

SESSION = "pyspark.session"
FUNCTIONS = "pyspark.sql.functions"
_READS = ("parquet", "csv", "json", "orc", "table", "load", "jdbc", "text", "delta", "format")
_LEARN_STATISTICS = (
    "StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "Imputer", "PCA", "IDF", "CountVectorizer",
    "QuantileDiscretizer", "Word2Vec", "VarianceThresholdSelector", "BucketedRandomProjectionLSH", "MinHashLSH",
)  # fmt: skip
_LEARN_LEVELS = ("StringIndexer", "VectorIndexer", "OneHotEncoder", "OneHotEncoderEstimator")
_LEARN_FROM_LABELS = ("ChiSqSelector", "UnivariateFeatureSelector", "RFormula", "TargetEncoder")
_LEARN_NOTHING = (
    "VectorAssembler", "Tokenizer", "RegexTokenizer", "HashingTF", "Bucketizer", "Binarizer", "Normalizer", "NGram",
    "StopWordsRemover", "PolynomialExpansion", "IndexToString", "SQLTransformer", "VectorSlicer", "ElementwiseProduct",
    "Interaction", "DCT", "FeatureHasher", "VectorSizeHint",
)  # fmt: skip
_PREDICTORS = {
    "classification": (
        "LogisticRegression", "DecisionTreeClassifier", "RandomForestClassifier", "GBTClassifier", "NaiveBayes",
        "LinearSVC", "MultilayerPerceptronClassifier", "OneVsRest", "FMClassifier",
    ),
    "regression": (
        "LinearRegression", "GeneralizedLinearRegression", "DecisionTreeRegressor", "RandomForestRegressor",
        "GBTRegressor", "IsotonicRegression", "AFTSurvivalRegression", "FMRegressor",
    ),
}  # fmt: skip
_CLUSTERS = ("KMeans", "BisectingKMeans", "GaussianMixture", "LDA", "PowerIterationClustering")
_EVALUATORS = (
    "BinaryClassificationEvaluator", "MulticlassClassificationEvaluator", "RegressionEvaluator", "ClusteringEvaluator",
    "RankingEvaluator", "MultilabelClassificationEvaluator",
)  # fmt: skip
_SEARCHES = ("CrossValidator", "TrainValidationSplit")
_REDUCES = (
    "avg", "mean", "sum", "max", "count", "stddev", "stddev_samp", "stddev_pop", "variance", "var_samp", "var_pop",
    "median", "mode", "percentile", "percentile_approx", "approx_count_distinct", "count_distinct", "countDistinct",
    "sum_distinct", "sumDistinct", "skewness", "kurtosis", "collect_list", "collect_set", "corr", "covar_pop",
    "covar_samp", "max_by", "min_by", "product", "bool_and", "bool_or", "approxQuantile",
)  # fmt: skip

# Methods of a column; a function of `pyspark.sql.functions` is that method of its first argument.
MOVES: Moves = {
    **{f".{name}": Reduces(parameters=()) for name in _REDUCES},
    ".min": Reduces(parameters=(), least=True),
    ".first": Reduces(parameters=(), first=True),
    ".any_value": Reduces(parameters=(), first=True),
    ".last": Reduces(parameters=()),
    ".lag": Lags(parameters=("offset", "default"), by="offset"),
    ".lead": Lags(parameters=("offset", "default"), by="offset", leads=True),
    ".monotonically_increasing_id": Accumulates(),
    ".fill": Fills(parameters=("value", "subset"), method=""),
    **{f"{SESSION}.read.{name}": Loads(parameters=("path",), columns="") for name in _READS},
    **{f"{SESSION}.readStream.{name}": Loads(parameters=("path",), columns="") for name in _READS},
    f"{SESSION}.table": Loads(parameters=("name",), columns=""),
}

# Classes by their whole path: several share their names with others' that have other manners.
CLASSES: Moves = {
    **{f"pyspark.ml.feature.{name}": Learns(role="transformer") for name in _LEARN_STATISTICS},
    **{f"pyspark.ml.feature.{name}": Learns(role="encoder") for name in _LEARN_LEVELS},
    **{f"pyspark.ml.feature.{name}": Learns(role="targets") for name in _LEARN_FROM_LABELS},
    **{f"pyspark.ml.feature.{name}": Learns(role="stateless") for name in _LEARN_NOTHING},
    **{
        f"pyspark.ml.{home}.{name}": Learns(role="predictor")
        for home, names in _PREDICTORS.items()
        for name in names
    },
    **{f"pyspark.ml.clustering.{name}": Learns(role="transformer") for name in _CLUSTERS},
    **{f"pyspark.ml.evaluation.{name}": Learns(role="scorer") for name in _EVALUATORS},
    **{f"pyspark.ml.tuning.{name}": Learns(role="search", parameters=("estimator",)) for name in _SEARCHES},
    "pyspark.ml.Pipeline": Learns(role="pipeline", parameters=("stages",)),
    "pyspark.ml.pipeline.Pipeline": Learns(role="pipeline", parameters=("stages",)),
    "pyspark.ml.tuning.ParamGridBuilder": Splits(mixes=False),
}
