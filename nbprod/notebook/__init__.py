"""Notebooks as text: reading them, the magic lines and tags that make stages, and edits that keep every other byte."""

from nbprod.notebook.columns import code_points
from nbprod.notebook.lines import (
    SKIP_TAG,
    STAGE_TAG,
    ExpectLine,
    MagicLine,
    ParametersLine,
    StageLine,
    body_of,
    is_parameters,
    magic_line,
    options_from,
    stage_line,
    stage_tags,
)
from nbprod.notebook.reading import parse, taken

__all__ = [
    "SKIP_TAG",
    "STAGE_TAG",
    "ExpectLine",
    "MagicLine",
    "ParametersLine",
    "StageLine",
    "body_of",
    "code_points",
    "is_parameters",
    "magic_line",
    "options_from",
    "parse",
    "stage_line",
    "stage_tags",
    "taken",
]
