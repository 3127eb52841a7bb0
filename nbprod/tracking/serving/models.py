"""A scikit-learn model asked for one row without the checks that take it milliseconds: the same arithmetic, bit for bit.

Only classes that are known here are asked so, and only once the answers for a sample of rows were those of `predict`.
An export to ONNX was weighed: it rounds to 32 bits and has no trees with categories.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, TypeAlias

from nbprod.tracking.serving.trace import NotCompiled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Step: TypeAlias = "Callable[[Sequence[Any]], Sequence[Any]]"
    Answer: TypeAlias = "Callable[[Sequence[Any]], Any]"

_SAMPLE = 200


def direct(model: Any, rows: Any) -> Answer:
    """What the model says of the values of one row, in the columns' order; raises NotCompiled with the reason.

    `rows` is a frame like those that it is asked of: it says what the columns are called, and is the sample.
    """
    from threadpoolctl import threadpool_limits

    answer = _answer(model, [str(name) for name in rows.columns])
    sample = rows.iloc[:: max(1, len(rows) // _SAMPLE)][:_SAMPLE]
    found = [answer(values) for values in sample.itertuples(index=False)]
    # One thread: it would take longer to wake the others.
    with threadpool_limits(limits=1):
        for place in _unequal(found, model.predict(sample)):
            # Many rows may be added up in another order than one: one row is what counts.
            alone = model.predict(sample.iloc[[place]])[0]
            if _unequal([found[place]], [alone]):
                raise NotCompiled(f"The quick way would say {found[place]}, the model says {alone}.")
    return answer


def _unequal(found: Sequence[Any], expected: Any) -> list[int]:
    pairs = enumerate(zip(found, expected, strict=True))
    return [place for place, (one, two) in pairs if not (one == two or (one != one and two != two))]  # noqa: PLR0124


def _answer(model: Any, names: Sequence[str]) -> Answer:
    from sklearn.pipeline import Pipeline

    if type(model) is not Pipeline:
        return _last(model, names)
    steps, columns = [], list(names)
    for _, one in model.steps[:-1]:
        step, columns = _step(one, columns)
        steps.append(step)
    last = _last(model.steps[-1][1], columns)

    def answer(values: Sequence[Any]) -> Any:
        for step in steps:
            values = step(values)
        return last(values)

    return answer


# What changes the values on the way


def _step(one: Any, names: list[str]) -> tuple[Step, list[str]]:
    """A transformer for one row, and what its columns are called."""
    made = _STEPS.get(type(one).__name__)
    if made is None or not type(one).__module__.startswith("sklearn."):
        if one in (None, "passthrough"):
            return list, names
        raise NotCompiled(f"There is no quick way for {type(one).__name__}.")
    step, count = made(one, names)
    same = names if count == len(names) else [str(place) for place in range(count)]
    return step, same


def _columns(one: Any, names: list[str]) -> tuple[Step, int]:
    parts: list[tuple[Step, list[int]]] = []
    count = 0
    for _, part, chosen in one.transformers_:
        places = _places(chosen, names)
        if isinstance(part, str) and part == "drop":
            continue
        step, after = _step(part, [names[place] for place in places])
        parts.append((step, places))
        count += len(after)

    def step_all(values: Sequence[Any]) -> list[Any]:
        return [value for step, places in parts for value in step([values[place] for place in places])]

    return step_all, count


def _places(chosen: Any, names: list[str]) -> list[int]:
    import numpy as np

    if isinstance(chosen, slice):
        return list(range(len(names)))[chosen]
    if isinstance(chosen, str):
        return [names.index(chosen)]
    if np.isscalar(chosen):
        return [int(str(chosen))]
    listed = list(chosen)
    if listed and isinstance(listed[0], bool | np.bool_):
        return [place for place, is_chosen in enumerate(listed) if is_chosen]
    return [names.index(one) if isinstance(one, str) else int(one) for one in listed]


def _inside(one: Any, names: list[str]) -> tuple[Step, int]:
    steps, columns = [], names
    for _, part in one.steps:
        step, columns = _step(part, columns)
        steps.append(step)

    def step_all(values: Sequence[Any]) -> Sequence[Any]:
        for step in steps:
            values = step(values)
        return values

    return step_all, len(columns)


def _ordinal(one: Any, _: list[str]) -> tuple[Step, int]:
    if one.handle_unknown != "use_encoded_value" or getattr(one, "_infrequent_enabled", False):
        raise NotCompiled("There is no quick way for an OrdinalEncoder that refuses what it doesn't know.")
    codes = [_coded(categories, one.encoded_missing_value) for categories in one.categories_]
    unknown = float(one.unknown_value)

    def step(values: Sequence[Any]) -> list[Any]:
        return [
            code.get(None if value is None or value != value else value, unknown)  # noqa: PLR0124 - NaN
            for code, value in zip(codes, values, strict=True)
        ]

    return step, len(codes)


def _coded(categories: Any, missing: Any) -> dict[Any, float]:
    codes: dict[Any, float] = {}
    for place, one in enumerate(categories.tolist()):
        is_missing = one is None or one != one  # noqa: PLR0124 - NaN
        codes[None if is_missing else one] = float(missing if is_missing else place)
    return codes


def _one_hot(one: Any, _: list[str]) -> tuple[Step, int]:
    if one.drop is not None or getattr(one, "_infrequent_enabled", False) or one.handle_unknown != "ignore":
        raise NotCompiled(
            "There is no quick way for a OneHotEncoder that drops, or refuses what it doesn't know."
        )
    codes = [_coded(categories, -1.0) for categories in one.categories_]
    widths = [len(categories) for categories in one.categories_]
    places = [{value: place for place, value in enumerate(codes[column])} for column in range(len(codes))]

    def step(values: Sequence[Any]) -> list[float]:
        found: list[float] = []
        for known, width, value in zip(places, widths, values, strict=True):
            part = [0.0] * width
            place = known.get(None if value is None or value != value else value)  # noqa: PLR0124 - NaN
            if place is not None:
                part[place] = 1.0
            found += part
        return found

    return step, sum(widths)


def _scaled(one: Any, names: list[str]) -> tuple[Step, int]:
    means = one.mean_.tolist() if one.with_mean else [0.0] * len(names)
    scales = one.scale_.tolist() if one.with_std else [1.0] * len(names)

    def step(values: Sequence[Any]) -> list[float]:
        triples = zip(values, means, scales, strict=True)
        return [(float(value) - mean) / scale for value, mean, scale in triples]

    return step, len(names)


def _imputed(one: Any, names: list[str]) -> tuple[Step, int]:
    is_plain = (
        isinstance(one.missing_values, float) and math.isnan(one.missing_values) and not one.add_indicator
    )
    fills = one.statistics_.tolist()
    if not is_plain or any(fill is None or fill != fill for fill in fills):  # noqa: PLR0124 - NaN
        raise NotCompiled("There is no quick way for a SimpleImputer that marks or drops.")

    def step(values: Sequence[Any]) -> list[Any]:
        pairs = zip(values, fills, strict=True)
        return [fill if value is None or value != value else value for value, fill in pairs]  # noqa: PLR0124 - NaN

    return step, len(names)


def _function(one: Any, names: list[str]) -> tuple[Step, int]:
    import functools

    from sklearn.utils import check_array

    is_check = isinstance(one.func, functools.partial) and one.func.func is check_array
    if one.func is not None and not is_check:
        raise NotCompiled("There is no quick way for a function of the notebook's own.")
    return list, len(names)


_STEPS: Mapping[str, Callable[[Any, list[str]], tuple[Step, int]]] = {
    "ColumnTransformer": _columns,
    "Pipeline": _inside,
    "OrdinalEncoder": _ordinal,
    "OneHotEncoder": _one_hot,
    "StandardScaler": _scaled,
    "SimpleImputer": _imputed,
    "FunctionTransformer": _function,
}


# What answers


def _last(model: Any, names: Sequence[str]) -> Answer:
    made = _LAST.get(type(model).__name__)
    if made is None or not type(model).__module__.startswith("sklearn."):
        raise NotCompiled(f"There is no quick way for {type(model).__name__}.")
    return made(model, names)


def _linear(model: Any, _: Sequence[str]) -> Answer:
    import numpy as np

    if np.ndim(model.coef_) != 1:
        raise NotCompiled("There is no quick way for a linear model of several outputs.")
    coefficients, constant = model.coef_, model.intercept_

    def answer(values: Sequence[Any]) -> Any:
        return (np.array([values], dtype=np.float64) @ coefficients + constant)[0]

    return answer


def _logistic(model: Any, _: Sequence[str]) -> Answer:
    import numpy as np

    coefficients, constants, classes = model.coef_.T, model.intercept_, model.classes_

    def answer(values: Sequence[Any]) -> Any:
        scores = (np.array([values], dtype=np.float64) @ coefficients + constants)[0]
        return classes[int(scores[0] > 0) if len(scores) == 1 else int(scores.argmax())]

    return answer


def _boosted(model: Any, names: Sequence[str]) -> Answer:
    """The trees of a histogram gradient boosting, walked one after another and added up in their order."""
    pre = model._preprocessor  # noqa: SLF001 - scikit-learn has no other way to its trees
    first = (lambda values: values) if pre is None else _columns(pre, list(names))[0]
    bitsets, place_of = model._bin_mapper.make_known_categories_bitsets()  # noqa: SLF001 - as above
    known = [_members(one) for one in bitsets]
    trees = [[_tree(one, known, place_of) for one in turn] for turn in zip(*model._predictors, strict=True)]  # noqa: SLF001
    bases = model._baseline_prediction.ravel().tolist()  # noqa: SLF001 - as above
    inverse = model._loss.link.inverse  # noqa: SLF001 - as above
    classes = getattr(model, "classes_", None)

    def answer(values: Sequence[Any]) -> Any:
        import numpy as np

        numbers = [math.nan if value is None else float(value) for value in first(values)]
        scores = [_summed(base, each, numbers) for base, each in zip(bases, trees, strict=True)]
        if classes is None:
            return inverse(np.array(scores))[0]
        return classes[int(scores[0] > 0) if len(scores) == 1 else int(np.argmax(scores))]

    return answer


def _summed(base: float, trees: Sequence[Sequence[Any]], numbers: Sequence[float]) -> float:
    total = 0.0 + base
    for nodes in trees:
        node = nodes[0]
        while True:
            place = node[0]
            if place < 0:
                break
            value = numbers[place]
            if value <= node[1]:
                node = nodes[node[2]]
            elif value != value or node[5] is not None:  # noqa: PLR0124 - NaN
                node = nodes[node[2] if _goes_left(value, node) else node[3]]
            else:
                node = nodes[node[3]]
        total += node[1]
    return total


def _goes_left(value: float, node: Any) -> bool:
    """Where what is missing, or a category, goes: one that the training never saw goes where the missing go."""
    if value != value or value < 0:  # noqa: PLR0124 - NaN
        return bool(node[4])
    if node[5] is None:
        return bool(value <= node[1])
    left, known = node[5]
    return int(value) in left if int(value) in known else bool(node[4])


def _tree(predictor: Any, known: Sequence[frozenset[int]], place_of: Any) -> list[tuple[Any, ...]]:
    """(column, threshold or value, left, right, does missing go left, (categories left, categories known))."""
    nodes: list[tuple[Any, ...]] = []
    for one in predictor.nodes:
        if one["is_leaf"]:
            nodes.append((-1, float(one["value"])))
            continue
        column = int(one["feature_idx"])
        sets = None
        threshold = float(one["num_threshold"])
        if one["is_categorical"]:
            left = _members(predictor.raw_left_cat_bitsets[int(one["bitset_idx"])])
            sets, threshold = (left, known[int(place_of[column])]), -math.inf
        missing = bool(one["missing_go_to_left"])
        nodes.append((column, threshold, int(one["left"]), int(one["right"]), missing, sets))
    return nodes


def _members(bits: Any) -> frozenset[int]:
    return frozenset(
        32 * place + bit for place, word in enumerate(bits.tolist()) for bit in range(32) if word >> bit & 1
    )


def _grown(model: Any, _: Sequence[str]) -> Answer:
    """A decision tree, or the mean of a forest's."""
    import numpy as np

    trees = [one.tree_ for one in getattr(model, "estimators_", [model])]
    classes = getattr(model, "classes_", None)
    if model.n_outputs_ != 1:
        raise NotCompiled("There is no quick way for trees of several outputs.")

    def answer(values: Sequence[Any]) -> Any:
        row = np.array([values], dtype=np.float32)
        total = np.zeros(trees[0].value.shape[2])
        for tree in trees:
            total += tree.predict(row).reshape(-1)
        return total[0] / len(trees) if classes is None else classes[int(total.argmax())]

    return answer


_LAST: Mapping[str, Callable[[Any, Sequence[str]], Answer]] = {
    **dict.fromkeys(["LinearRegression", "Ridge", "Lasso", "ElasticNet"], _linear),
    "LogisticRegression": _logistic,
    **dict.fromkeys(["HistGradientBoostingRegressor", "HistGradientBoostingClassifier"], _boosted),
    **dict.fromkeys(["DecisionTreeRegressor", "DecisionTreeClassifier"], _grown),
    **dict.fromkeys(["RandomForestRegressor", "RandomForestClassifier"], _grown),
    **dict.fromkeys(["ExtraTreesRegressor", "ExtraTreesClassifier"], _grown),
}
