"""A rule's manual: for the terminal, for code hosts, and as a page of the docs; all from the rule itself."""

from __future__ import annotations

from textwrap import dedent, indent
from typing import TYPE_CHECKING

from nbprod.faces.paint import no_paint
from nbprod.faces.text import finding_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from nbprod.faces.paint import Paint
    from nbprod.leakage.rules import Rule
    from nbprod.model import Finding


def manual_text(rule: Rule, *, paint: Paint = no_paint) -> str:
    """Title, meaning, why it matters, code that breaks the rule and code that doesn't, and the remedy."""
    parts = [f"{paint('strong', rule.name)} ({rule.severity}): {rule.title}", rule.prose, rule.why]
    for word, code in (("Leaky", rule.leaky), ("Clean", rule.clean)):
        if code:
            parts.append(f"{paint('strong', word)}:\n\n{indent(code, '    ')}")
    parts.append(f"{paint('good', 'Remedy')}: {rule.advice}")
    return "\n\n".join(part for part in parts if part)


def manual_markdown(rule: Rule, *, found: Iterable[Finding] = ()) -> str:
    """The manual in Markdown; `found` are the findings on the leaky code, shown as `nbprod check` words them."""
    parts = [
        f"# {rule.name}",
        f"{rule.title} ({rule.severity})",
        rule.prose,
        f"**Why it matters.** {rule.why}",
    ]
    if rule.leaky:
        parts += ["## Leaky", _fenced("python", rule.leaky)]
    said = "\n".join(finding_text(one) for one in found)
    if said:
        parts += ["## How it is found", _fenced("text", dedent(said))]
    if rule.clean:
        parts += ["## Clean", _fenced("python", rule.clean)]
    parts += ["## Remedy", rule.advice]
    return "\n\n".join(part for part in parts if part) + "\n"


def index_markdown(rules: Iterable[Rule]) -> str:
    """The page that leads to the rules' pages."""
    rows = [f"| [{rule.name}]({rule.name}.md) | {rule.severity} | {rule.title} |" for rule in rules]
    head = ["| rule | severity | what it finds |", "|---|---|---|"]
    title = "# Rules on leakage\n\nWritten from the rules themselves; `nbprod explain RULE` says the same at a terminal.\n"
    return "\n".join([title, *head, *rows, ""])


def _fenced(language: str, code: str) -> str:
    return f"```{language}\n{code}\n```"
