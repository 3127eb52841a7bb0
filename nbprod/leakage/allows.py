"""Allow comments: `# nbprod: allow RULE because REASON`."""

from __future__ import annotations

import io
import re
import tokenize
from typing import TYPE_CHECKING

from msgspec import Struct

from nbprod.flow.ipython import python_of
from nbprod.model import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nbprod.model import Finding, Notebook

_ALLOW = re.compile(
    r"#\s*nbprod:\s*allow\s+(?P<rule>[\w-]+)(?:\s+because\b\s*(?P<reason>.*))?", re.IGNORECASE
)


class Allow(Struct, frozen=True, kw_only=True):
    """One comment: the rule that it allows, its reason, and the lines for which it speaks."""

    rule: str
    reason: str
    span: Span
    lines: range

    def covers(self, finding: Finding) -> bool:
        """Whether the comment speaks for the finding's place."""
        span = finding.span
        if span is None or finding.rule != self.rule or span.cell != self.span.cell:
            return False
        return span.line in self.lines or (span.line <= self.span.line <= span.end_line)


def allows_of(notebook: Notebook) -> Iterator[Allow]:
    """The allow comments of all code cells."""
    for cell in notebook.code:
        if cell.position is None or "nbprod" not in cell.source:
            continue
        source = python_of(cell)
        for row, column, text, alone in _comments(source):
            match = _ALLOW.match(text)
            if match is None:
                continue
            span = Span(
                cell=cell.position, line=row, column=column, end_line=row, end_column=column + len(text)
            )
            lines = range(row, row + 1) if not alone else range(row, _next_statement(source, row) + 1)
            yield Allow(rule=match["rule"], reason=(match["reason"] or "").strip(), span=span, lines=lines)


def _comments(source: str) -> list[tuple[int, int, str, bool]]:
    found = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.COMMENT:
                alone = not token.line[: token.start[1]].strip()
                found.append((token.start[0], token.start[1], token.string, alone))
    except (tokenize.TokenError, SyntaxError):
        # what comes before the broken token still counts
        return found
    return found


def _next_statement(source: str, row: int) -> int:
    """The next line that is no comment and not empty."""
    lines = source.splitlines()
    for number in range(row, len(lines)):
        text = lines[number].strip()
        if text and not text.startswith("#"):
            return number + 1
    return row
