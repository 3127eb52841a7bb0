"""Suites judged: GX says which metrics each expectation needs, Ibis measures them, GX judges what was measured.

These are the two calls that GX's own validator makes, `get_validation_dependencies` and `metrics_validate`.
What Ibis doesn't cover is judged by GX's pandas engine on the columns concerned, and the verdict says so.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from nbprod.errors import SuiteError
from nbprod.expectations import gx_json, parameters_of, suite_name
from nbprod.validating.asking import Measured, Uncovered, measured
from nbprod.validating.engine import judged_by_gx
from nbprod.validating.gx import great_expectations, quiet
from nbprod.validating.measures import formula_of
from nbprod.validating.sources import Source, source_of, with_footer
from nbprod.validating.tables import Limits, Opened, opened
from nbprod.validating.types import TYPE_EXPECTATIONS, type_result, with_fitting_times

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from nbprod.model import Json, Suite

IBIS = "ibis"
PANDAS = "pandas"
_SAMPLE = ".unexpected_values"


class Judged(Struct, frozen=True, kw_only=True):
    """One expectation's genuine GX result, who measured it, sample rows that break it, and why GX's engine had to."""

    result: Any
    measured_by: str
    rows: tuple[Mapping[str, Any], ...] = ()
    reason: str = ""


class Case(Struct, frozen=True, kw_only=True):
    """One expectation as GX's object with the metrics it wants, or why there is none."""

    configuration: Any
    expectation: Any = None
    metrics: tuple[Any, ...] = ()
    broken: str = ""
    uncovered: str = ""
    result: Any = None
    sampled: Hashable = None


def judge_genuine(
    table: object,
    suite: Suite,
    *,
    samples: int = 20,
    parameters: Mapping[str, Json] | None = None,
    result_format: str = "SUMMARY",
    index_columns: Sequence[str] = (),
    limits: Limits | None = None,
) -> Any:
    """GX's own `ExpectationSuiteValidationResult`, as checkpoints, actions and Data Docs take it.

    With `index_columns` the rows that break an expectation are listed by these columns' values.
    """
    wish = Wish(
        samples=samples,
        parameters=parameters or {},
        result_format=result_format,
        index_columns=tuple(index_columns),
        limits=limits or Limits(),
    )
    return suite_result(suite, judged(table, suite, wish=wish), parameters=wish.parameters)


class Wish(Struct, frozen=True, kw_only=True):
    """How a suite is to be judged: how many samples, with which parameters, in which of GX's result formats."""

    samples: int = 20
    parameters: Mapping[str, Json] = field(default_factory=dict)
    result_format: str = "SUMMARY"
    index_columns: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)

    def format(self) -> dict[str, Any]:
        """The wish in GX's words; a fresh dict each time, as GX writes into it."""
        wish: dict[str, Any] = {
            "result_format": self.result_format,
            "partial_unexpected_count": self.samples,
            "include_unexpected_rows": self.result_format in ("SUMMARY", "COMPLETE"),
        }
        if self.index_columns:
            wish["unexpected_index_column_names"] = list(self.index_columns)
        return wish


def judged(table: object, suite: Suite, *, wish: Wish) -> tuple[Judged, ...]:
    """Each expectation of the suite judged, in the suite's order."""
    great_expectations()
    with quiet(), opened(table, limits=wish.limits) as open_table:
        source = source_of(open_table.table, columns=open_table.columns, samples=wish.samples)
        cases = cases_of(suite, source, wish)
        source = with_footer(source, open_table.footer, wanted=_columns_of(cases))
        measures = _measured(cases, source)
        return tuple(_judged(case, measures, open_table, wish) for case in cases)


def cases_of(suite: Suite, source: Source, wish: Wish) -> list[Case]:
    """Each expectation of the suite as GX's object with the metrics it wants.

    Raises SuiteError for a parameter that isn't given.
    """
    missing = sorted(parameters_of(suite) - set(wish.parameters))
    if missing:
        raise SuiteError(
            f"The suite of '{suite.value}' mentions '{missing[0]}', which is no parameter.",
            where=str(suite.span) if suite.span else suite.value,
            remedy="Give the pipeline a parameter of that name, or write the value.",
        )
    data: Any = gx_json(suite)["expectations"]
    return [_case(one, source, wish) for one in data]


def _case(data: Any, source: Source, wish: Wish) -> Case:
    from great_expectations.compatibility.pydantic import ValidationError
    from great_expectations.core.suite_parameters import build_suite_parameters
    from great_expectations.exceptions.exceptions import GreatExpectationsError
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    kwargs, _ = build_suite_parameters(data["kwargs"], dict(wish.parameters))
    configuration = ExpectationConfiguration(**{**data, "kwargs": with_fitting_times(kwargs, source.table)})
    try:
        expectation = configuration.to_domain_obj()
        if configuration.type in TYPE_EXPECTATIONS:
            return Case(
                configuration=configuration,
                expectation=expectation,
                result=_type_result(source, configuration),
            )
        dependencies = expectation.get_validation_dependencies(
            execution_engine=None, runtime_configuration={"result_format": wish.format()}
        )
    except Uncovered as error:
        return Case(configuration=configuration, expectation=expectation, uncovered=str(error))
    except (GreatExpectationsError, ValidationError) as error:
        return Case(configuration=configuration, broken=str(error))
    metrics = tuple(dependencies.get_metric_configurations())
    sampled = next((_sample_key(one) for one in metrics if one.metric_name.endswith(_SAMPLE)), None)
    return Case(configuration=configuration, expectation=expectation, metrics=metrics, sampled=sampled)


def _type_result(source: Source, configuration: Any) -> Any:
    from great_expectations.core import ExpectationValidationResult

    found = type_result(source.table, configuration.kwargs)
    return ExpectationValidationResult(
        **found, expectation_config=configuration, exception_info=_no_exception()
    )


def _no_exception() -> dict[str, Any]:
    return {"raised_exception": False, "exception_traceback": None, "exception_message": None}


def _measured(cases: Sequence[Case], source: Source) -> Measured:
    formulas: dict[Hashable, Any] = {}
    for case in cases:
        for metric in case.metrics:
            key = _key(metric)
            if key not in formulas:
                formulas[key] = formula_of(
                    metric.metric_name, metric.metric_domain_kwargs, metric.metric_value_kwargs, source
                )
            if metric.metric_name.endswith(_SAMPLE) and _sample_key(metric) not in formulas:
                formulas[_sample_key(metric)] = formula_of(
                    metric.metric_name.removesuffix(_SAMPLE) + ".sample_rows",
                    metric.metric_domain_kwargs,
                    {**metric.metric_value_kwargs, "result_format": {}},
                    source,
                )
    return measured(source.judged, formulas, answers_known=source.known)


def _columns_of(cases: Sequence[Case]) -> set[str]:
    """The columns that the metrics are about."""
    domains = [metric.metric_domain_kwargs for case in cases for metric in case.metrics]
    named = {str(one[key]) for one in domains for key in ("column", "column_A", "column_B") if one.get(key)}
    return named | {str(name) for one in domains for name in one.get("column_list") or ()}


def _key(metric: Any) -> Hashable:
    # GX's own ids leave out some arguments: two quantile expectations on one column would share one answer.
    return metric.metric_name, _text(metric.metric_domain_kwargs), _text(metric.metric_value_kwargs)


def _sample_key(metric: Any) -> Hashable:
    return "sample rows", *_key(metric)  # type: ignore[misc]


def _text(kwargs: Mapping[str, Any]) -> str:
    return repr(sorted((name, repr(value)) for name, value in kwargs.items() if name != "batch_id"))


def _judged(case: Case, measures: Measured, table: Opened, wish: Wish) -> Judged:
    if case.broken:
        return Judged(result=_error(case.configuration, case.broken), measured_by="")
    if case.result is not None:
        return Judged(result=case.result, measured_by=IBIS)
    failures = [measures.failed[_key(metric)] for metric in case.metrics if _key(metric) in measures.failed]
    why = case.uncovered or next(iter(failures), "")
    if why:
        return _by_pandas(case, why, table, wish)
    metrics = {metric.id: measures.values[_key(metric)] for metric in case.metrics}
    try:
        result = case.expectation.metrics_validate(
            metrics=metrics, execution_engine=None, runtime_configuration={"result_format": wish.format()}
        )
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        # GX's validator makes these part of the result; so does its engine when it is asked.
        return _by_pandas(case, str(error), table, wish)
    rows = measures.values.get(case.sampled, ()) if case.sampled is not None else ()
    return Judged(result=_tidy(result), measured_by=IBIS, rows=tuple(rows))


def _by_pandas(case: Case, why: str, table: Opened, wish: Wish) -> Judged:
    result = judged_by_gx(case.expectation, table, result_format=wish.format())
    found = (result.result or {}).get("unexpected_rows")
    rows = () if found is None else tuple(found.head(wish.samples).to_dict("records"))
    return Judged(result=_tidy(result), measured_by=PANDAS, rows=rows, reason=why)


def _tidy(result: Any) -> Any:
    import numpy as np

    # marshmallow 4 fails on numpy's bool, Data Docs on its float64, and a frame of rows is no JSON.
    result.success = bool(result.success)
    if result.result:
        result.result.pop("unexpected_rows", None)
        observed = result.result.get("observed_value")
        if isinstance(observed, np.generic):
            result.result["observed_value"] = observed.item()
    return result


def _error(configuration: Any, message: str) -> Any:
    from great_expectations.core import ExpectationValidationResult

    raised = {"raised_exception": True, "exception_traceback": "", "exception_message": message}
    return ExpectationValidationResult(
        success=False, result={}, expectation_config=configuration, exception_info=raised
    )


def suite_result(suite: Suite, found: Sequence[Judged], *, parameters: Mapping[str, Json]) -> Any:
    """The results of a suite's expectations as GX's result of the suite."""
    from great_expectations.core import ExpectationSuiteValidationResult
    from great_expectations.validator.validation_statistics import calc_validation_statistics

    results = [one.result for one in found]
    statistics = calc_validation_statistics(results)
    name = suite_name(suite)
    measured_by = {
        one.result.expectation_config.id: {"engine": one.measured_by, "because": one.reason}
        for one in found
        if one.measured_by != IBIS
    }
    return ExpectationSuiteValidationResult(
        results=results,
        success=bool(statistics.success),
        suite_name=name,
        suite_parameters=dict(parameters),
        statistics={
            "evaluated_expectations": statistics.evaluated_expectations,
            "successful_expectations": statistics.successful_expectations,
            "unsuccessful_expectations": statistics.unsuccessful_expectations,
            "success_percent": statistics.success_percent,
        },
        meta={
            "great_expectations_version": great_expectations().__version__,
            # Where Data Docs look for what the page is about.
            "batch_kwargs": {"data_asset_name": suite.value},
            "active_batch_definition": {
                "datasource_name": "nbprod",
                "data_connector_name": "fluent",
                "data_asset_name": suite.value,
                "batch_identifiers": {},
            },
            "nbprod": {"not_measured_by_ibis": measured_by},
        },
        batch_id=f"nbprod-{name}",
    )
