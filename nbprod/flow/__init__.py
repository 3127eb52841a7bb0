"""What depends on what in a notebook: its stages, what they need and give, and what is copied between them."""

from nbprod.flow.graph import every_cell, flow_of, flow_with
from nbprod.flow.ipython import python_of
from nbprod.flow.meaning import meaning_of
from nbprod.flow.remembering import Latest, StepMemory
from nbprod.flow.steps import syntax_problem
from nbprod.flow.suggest import suggest

__all__ = [
    "Latest",
    "StepMemory",
    "every_cell",
    "flow_of",
    "flow_with",
    "meaning_of",
    "python_of",
    "suggest",
    "syntax_problem",
]
