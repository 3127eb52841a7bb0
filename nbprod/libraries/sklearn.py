"""What nbprod knows of scikit-learn: classes by what they learn, splitters, and functions that validate."""

from __future__ import annotations

from nbprod.libraries.calls import NUMPY_RANDOM, Call, Result, Role, Table, named
from nbprod.libraries.moves import Fresh, Learns, Moves, Ranks, Scores, Splits, Validates

_TRANSFORMERS = (
    "StandardScaler", "MinMaxScaler", "MaxAbsScaler", "RobustScaler", "QuantileTransformer", "PowerTransformer",
    "KBinsDiscretizer", "SplineTransformer", "SimpleImputer", "KNNImputer", "IterativeImputer", "Imputer", "PCA",
    "IncrementalPCA", "KernelPCA", "SparsePCA", "TruncatedSVD", "FactorAnalysis", "FastICA", "NMF",
    "LatentDirichletAllocation", "DictionaryLearning", "TfidfVectorizer", "CountVectorizer", "TfidfTransformer",
    "VarianceThreshold", "Isomap", "TSNE", "UMAP", "LocallyLinearEmbedding", "MDS", "SpectralEmbedding", "Nystroem",
    "RBFSampler", "GaussianRandomProjection", "RandomTreesEmbedding", "KernelCenterer", "BernoulliRBM", "MissingIndicator",
    "DictVectorizer", "FeatureAgglomeration", "MiniBatchSparsePCA", "Word2Vec", "Doc2Vec", "Tokenizer",
)  # fmt: skip
_ENCODERS = ("LabelEncoder", "OrdinalEncoder", "OneHotEncoder", "LabelBinarizer", "MultiLabelBinarizer")
_LABEL_READERS = (
    "TargetEncoder", "SelectKBest", "SelectPercentile", "SelectFromModel", "SelectFpr", "SelectFdr", "SelectFwe",
    "GenericUnivariateSelect", "RFE", "RFECV", "SequentialFeatureSelector", "PLSRegression", "PLSCanonical", "CCA",
    "NeighborhoodComponentsAnalysis", "BorutaPy",
)  # fmt: skip
_STATELESS = (
    "Normalizer", "Binarizer", "FunctionTransformer", "PolynomialFeatures", "HashingVectorizer", "FeatureHasher",
    "AdditiveChi2Sampler",
)  # fmt: skip
_CLUSTERS = (
    "KMeans", "MiniBatchKMeans", "BisectingKMeans", "DBSCAN", "OPTICS", "AgglomerativeClustering", "MeanShift",
    "SpectralClustering", "Birch", "AffinityPropagation", "GaussianMixture", "BayesianGaussianMixture", "GaussianHMM",
    "GMMHMM", "MultinomialHMM", "HDBSCAN", "IsolationForest", "OneClassSVM", "LocalOutlierFactor", "EllipticEnvelope",
)  # fmt: skip
_PREDICTORS = (
    "LinearRegression", "Ridge", "RidgeCV", "RidgeClassifier", "RidgeClassifierCV", "Lasso", "LassoCV", "LassoLars",
    "ElasticNet", "ElasticNetCV", "BayesianRidge", "ARDRegression", "HuberRegressor", "TheilSenRegressor",
    "RANSACRegressor", "LogisticRegression", "LogisticRegressionCV", "SGDClassifier", "SGDRegressor", "Perceptron",
    "PassiveAggressiveClassifier", "PassiveAggressiveRegressor", "PoissonRegressor", "TweedieRegressor", "GammaRegressor",
    "QuantileRegressor", "Lars", "SVC", "NuSVC", "LinearSVC", "SVR", "NuSVR", "LinearSVR", "KNeighborsClassifier",
    "KNeighborsRegressor", "RadiusNeighborsClassifier", "RadiusNeighborsRegressor", "NearestCentroid", "GaussianNB",
    "MultinomialNB", "BernoulliNB", "ComplementNB", "CategoricalNB", "DecisionTreeClassifier",
    "DecisionTreeRegressor", "ExtraTreeClassifier", "ExtraTreeRegressor", "RandomForestClassifier", "RandomForestRegressor",
    "ExtraTreesClassifier", "ExtraTreesRegressor", "GradientBoostingClassifier", "GradientBoostingRegressor",
    "HistGradientBoostingClassifier", "HistGradientBoostingRegressor", "AdaBoostClassifier", "AdaBoostRegressor",
    "BaggingClassifier", "BaggingRegressor", "VotingClassifier", "VotingRegressor", "StackingClassifier",
    "StackingRegressor", "MLPClassifier", "MLPRegressor", "GaussianProcessClassifier", "GaussianProcessRegressor",
    "LinearDiscriminantAnalysis", "QuadraticDiscriminantAnalysis", "KernelRidge", "IsotonicRegression", "DummyClassifier",
    "DummyRegressor", "CalibratedClassifierCV", "OneVsRestClassifier", "OneVsOneClassifier", "MultiOutputRegressor",
    "MultiOutputClassifier", "RegressorChain", "ClassifierChain", "TransformedTargetRegressor", "LabelPropagation",
    "LabelSpreading", "SelfTrainingClassifier",
)  # fmt: skip
_SEARCHES = (
    "GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "BayesSearchCV", "OptunaSearchCV",
)  # fmt: skip
_METRICS = (
    "accuracy_score", "balanced_accuracy_score", "f1_score", "fbeta_score", "precision_score", "recall_score",
    "roc_auc_score", "average_precision_score", "log_loss", "brier_score_loss", "confusion_matrix", "classification_report",
    "roc_curve", "precision_recall_curve", "cohen_kappa_score", "matthews_corrcoef", "mean_squared_error",
    "mean_absolute_error", "root_mean_squared_error", "mean_absolute_percentage_error", "median_absolute_error",
    "r2_score", "explained_variance_score", "mean_squared_log_error", "max_error", "mean_pinball_loss", "hamming_loss",
    "jaccard_score", "zero_one_loss", "hinge_loss", "plot_confusion_matrix", "plot_roc_curve", "auc",
)  # fmt: skip
_MIXING = ("KFold", "StratifiedKFold", "LeaveOneOut", "LeavePOut")
_SHUFFLING = (
    "ShuffleSplit",
    "StratifiedShuffleSplit",
    "RepeatedKFold",
    "RepeatedStratifiedKFold",
    "Bootstrap",
)
_GROUPED = (
    "GroupKFold", "StratifiedGroupKFold", "GroupShuffleSplit", "LeaveOneGroupOut", "LeavePGroupsOut",
)  # fmt: skip
_TIMED = (
    "TimeSeriesSplit", "GroupTimeSeriesSplit", "PurgedKFold", "PurgedGroupTimeSeriesSplit", "CombinatorialPurgedKFold",
    "BlockingTimeSeriesSplit", "SlidingWindowSplitter", "ExpandingWindowSplitter", "PredefinedSplit", "WalkForward",
)  # fmt: skip

# Keyed by the bare name: classes moved between modules over the years, and readers import them in many ways.
MOVES: Moves = {
    **{name: Learns(role="transformer") for name in _TRANSFORMERS},
    **{name: Learns(role="encoder") for name in _ENCODERS},
    **{name: Learns(role="targets") for name in _LABEL_READERS},
    **{name: Learns(role="stateless") for name in _STATELESS},
    **{name: Learns(role="transformer") for name in _CLUSTERS},
    **{name: Learns(role="predictor") for name in _PREDICTORS},
    **{name: Learns(role="search", parameters=("estimator", "param_grid")) for name in _SEARCHES},
    **{name: Scores() for name in _METRICS},
    "permutation_importance": Scores(parameters=("estimator", "X", "y"), truth="y", guess="X"),
    **{name: Splits() for name in _MIXING},
    **{name: Splits(shuffles=True) for name in _SHUFFLING},
    **{name: Splits(grouped=True) for name in _GROUPED},
    **{name: Splits(mixes=False, in_time=True) for name in _TIMED},
    "RFECV": Learns(role="targets", parameters=("estimator",)),
    "Pipeline": Learns(role="pipeline", parameters=("steps",)),
    "make_pipeline": Learns(role="pipeline"),
    "ColumnTransformer": Learns(role="columns", parameters=("transformers",)),
    "make_column_transformer": Learns(role="columns"),
    "FeatureUnion": Learns(role="columns", parameters=("transformer_list",)),
    "make_union": Learns(role="columns"),
    "cross_val_score": Validates(parameters=("estimator", "X", "y")),
    "cross_validate": Validates(parameters=("estimator", "X", "y")),
    "cross_val_predict": Validates(parameters=("estimator", "X", "y")),
    "learning_curve": Validates(parameters=("estimator", "X", "y")),
    "validation_curve": Validates(parameters=("estimator", "X", "y")),
    "permutation_test_score": Validates(parameters=("estimator", "X", "y")),
    "scale": Ranks(),
    "minmax_scale": Ranks(),
    "robust_scale": Ranks(),
    "maxabs_scale": Ranks(),
    "quantile_transform": Ranks(),
    "power_transform": Ranks(),
    "make_classification": Fresh(),
    "make_regression": Fresh(),
    "make_blobs": Fresh(),
}


# What calls do to their arguments, to state and to files.

_ESTIMATOR = "sklearn.Estimator"
_FIT_CALL = Call(
    gives=_ESTIMATOR, changes=("self",), keeps=True, result=Result.SELF, draws=NUMPY_RANDOM, role=Role.FIT
)
_FIT_AND_GIVE = Call(changes=("self",), keeps=True, draws=NUMPY_RANDOM, role=Role.FIT)
_SPLIT_CALL = Call(result=Result.SEVERAL, gives="pandas.DataFrame", draws=NUMPY_RANDOM, role=Role.SPLIT)
_PREDICT_CALL = Call(gives="numpy.ndarray", role=Role.PREDICT)

CALLS: Table = {
    **named("sklearn.model_selection", ("train_test_split",), _SPLIT_CALL),
    **named("sklearn.model_selection", ("cross_val_score", "cross_validate", "cross_val_predict", "learning_curve", "validation_curve", "permutation_test_score"), Call(draws=NUMPY_RANDOM, role=Role.EVALUATE)),
    "sklearn.inspection.permutation_importance": Call(draws=NUMPY_RANDOM, role=Role.EVALUATE),
    "sklearn.metrics.*": Call(result=Result.FRESH, role=Role.EVALUATE),
    **named("sklearn.metrics", ("mean_squared_error", "mean_absolute_error", "r2_score", "accuracy_score", "f1_score", "roc_auc_score", "log_loss", "precision_score", "recall_score", "root_mean_squared_error"), Call(result=Result.PLAIN, role=Role.EVALUATE)),
    "sklearn.utils.shuffle": Call(result=Result.SEVERAL, gives="pandas.DataFrame", draws=NUMPY_RANDOM),
    "sklearn.utils.resample": Call(result=Result.SEVERAL, gives="pandas.DataFrame", draws=NUMPY_RANDOM),
    **named("sklearn", ("set_config",), Call(result=Result.PLAIN, sets="sklearn.config")),
    "sklearn.base.clone": Call(gives=_ESTIMATOR),
    "sklearn.datasets.*": Call(gives="sklearn.Bunch", draws=NUMPY_RANDOM, role=Role.LOAD),
    "sklearn.<class>": Call(gives=_ESTIMATOR, result=Result.HOLDS, cheap=True),
    "sklearn.pipeline.*": Call(gives=_ESTIMATOR, result=Result.HOLDS, cheap=True),
    "sklearn.compose.*": Call(gives=_ESTIMATOR, result=Result.HOLDS, cheap=True),
    "sklearn.*": Call(draws=NUMPY_RANDOM),
    **named(_ESTIMATOR, ("fit", "partial_fit"), _FIT_CALL),
    **named(_ESTIMATOR, ("fit_transform", "fit_predict", "fit_resample"), _FIT_AND_GIVE),
    **named(_ESTIMATOR, ("set_params", "set_output", "set_fit_request"), Call(gives=_ESTIMATOR, changes=("self",), keeps=True, result=Result.SELF)),
    **named(_ESTIMATOR, ("predict", "predict_proba", "decision_function", "predict_log_proba"), _PREDICT_CALL),
    **named(_ESTIMATOR, ("transform", "inverse_transform"), Call(gives="pandas.DataFrame", role=Role.PREDICT)),
    "sklearn.Estimator.score": Call(result=Result.PLAIN, role=Role.EVALUATE),
    "sklearn.Estimator.split": Call(gives="builtins.iterator", result=Result.HOLDS, draws=NUMPY_RANDOM, stays="a generator"),
    **named(_ESTIMATOR, ("get_params", "get_feature_names_out", "named_steps", "steps"), Call(result=Result.PART)),
    **named("joblib", ("dump",), Call(result=Result.PLAIN, writes_file=True, role=Role.SAVE)),
    **named("joblib", ("load",), Call(reads_file=True, role=Role.LOAD)),
}  # fmt: skip
