"""Data Docs: GX's own pages of suites and results, built by GX into a plain folder."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from nbprod.expectations import gx_json
from nbprod.validating.gx import great_expectations, quiet

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence
    from pathlib import Path

    from nbprod.model import Suite


def write_docs(
    results: Sequence[Any], folder: Path, *, suites: Sequence[Suite] = (), run: str, started: dt.datetime
) -> Path:
    """The path of the first page of Data Docs on results as `judge_genuine` gives them.

    `run` and `started` name the run on the pages. What stands in the folder is overwritten page by page.
    """
    gx = great_expectations()
    with quiet():
        context = gx.get_context(mode="ephemeral")
        # The ephemeral context brings a site of its own in a temporary folder.
        for name in list(context.get_site_names()):
            context.delete_data_docs_site(name)
        context.add_data_docs_site(site_name="nbprod", site_config=_site(folder))
        for suite in suites:
            context.suites.add(gx.ExpectationSuite(**gx_json(suite)))
        for result in results:
            _stored(context, _readable(result), run=run, started=started)
        context.build_data_docs()
    return folder / "index.html"


def _readable(result: Any) -> Any:
    """The same results, with what GX would show as a bare number or as Python's list put into words."""
    shown = copy.deepcopy(result)
    for one in shown.results:
        observed = (one.result or {}).get("observed_value")
        match one.expectation_config.type, observed:
            case "unexpected_rows_expectation", int():
                one.result["observed_value"] = f"{observed:,} unexpected {'row' if observed == 1 else 'rows'}"
            case (
                ("expect_table_columns_to_match_set" | "expect_table_columns_to_match_ordered_list"),
                list(),
            ):
                one.result["observed_value"] = ", ".join(map(str, observed))
            case _:
                pass
    return shown


def _site(folder: Path) -> dict[str, Any]:
    return {
        "class_name": "SiteBuilder",
        "store_backend": {
            "class_name": "TupleFilesystemStoreBackend",
            "base_directory": str(folder.resolve()),
        },
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder", "show_cta_footer": False},
        "show_how_to_buttons": False,
    }


def _stored(context: Any, result: Any, *, run: str, started: dt.datetime) -> None:
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.data_context.types.resource_identifiers import (
        ExpectationSuiteIdentifier,
        ValidationResultIdentifier,
    )

    identity = RunIdentifier(run_name=run, run_time=started)
    result.meta["run_id"] = identity
    key = ValidationResultIdentifier(
        expectation_suite_identifier=ExpectationSuiteIdentifier(name=result.suite_name),
        run_id=identity,
        batch_identifier=result.batch_id,
    )
    context.validation_results_store.add(key, result)
