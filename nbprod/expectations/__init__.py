"""What is expected of a value: suites as text and as GX's JSON, proposed from a reference. No GX is imported here."""

from nbprod.expectations.calibrating import psi_thresholds
from nbprod.expectations.catalogue import Argument, Signature, Takes, all_signatures, signature
from nbprod.expectations.drift import ColumnDrift, drift, drift_suite
from nbprod.expectations.drift_page import drift_page
from nbprod.expectations.gx_json import gx_json, suite_from_gx, suite_name
from nbprod.expectations.infer import infer
from nbprod.expectations.predicting import prediction_suite
from nbprod.expectations.profile import ColumnProfile, Profile, Sort
from nbprod.expectations.review import Change, changes
from nbprod.expectations.review_page import review_page
from nbprod.expectations.skewing import skew_suite
from nbprod.expectations.text import parameters_of, read_expectations, suite_of, suites_of
from nbprod.expectations.writing import expectation_text, row_name, text_of

__all__ = [
    "Argument",
    "Change",
    "ColumnDrift",
    "ColumnProfile",
    "Profile",
    "Signature",
    "Sort",
    "Takes",
    "all_signatures",
    "changes",
    "drift",
    "drift_page",
    "drift_suite",
    "expectation_text",
    "gx_json",
    "infer",
    "parameters_of",
    "prediction_suite",
    "psi_thresholds",
    "read_expectations",
    "review_page",
    "row_name",
    "signature",
    "skew_suite",
    "suite_from_gx",
    "suite_name",
    "suite_of",
    "suites_of",
    "text_of",
]
