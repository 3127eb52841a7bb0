"""What README and docs show exists: commands, options, magics, settings, links, in the order that readers need."""

import os
import re
import shlex
import tomllib
from pathlib import Path
from typing import NamedTuple

import click
import pytest

from nbprod import api
from nbprod.expectations import read_expectations
from nbprod.faces.cli import COMMANDS, cli
from nbprod.faces.picture import flow_svg
from nbprod.model import Cell, CellKind
from nbprod.notebook import ExpectLine, body_of, magic_line
from nbprod.settings import settings_from

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND_LINE = ROOT / "docs" / "command-line.md"


class Block(NamedTuple):
    """A fenced block of a page."""

    page: str
    language: str
    text: str


class Line(NamedTuple):
    """A line of a block, by the page it stands on."""

    page: str
    text: str


def blocks() -> list[Block]:
    fence = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return [
        Block(page.relative_to(ROOT).as_posix(), language, text)
        for page in PAGES
        if page != COMMAND_LINE
        for language, text in fence.findall(page.read_text())
    ]


def shell_lines(first_word: str) -> list[Line]:
    """The shell commands shown that start with that word, less their comments."""
    return [
        Line(block.page, line)
        for block in blocks()
        if block.language in ("console", "bash", "sh")
        for line in block.text.replace("\\\n", " ").splitlines()
        if line.split()[:1] == [first_word]
    ]


def magic_blocks() -> list[Block]:
    return [block for block in blocks() if block.language == "python" and block.text.startswith("%%")]


def id_of(shown: Line | Block) -> str:
    return f"{shown.page}: {shown.text.splitlines()[0]}"


@pytest.mark.parametrize("line", shell_lines("nbprod"), ids=id_of)
def test_a_command_shown_is_one_that_the_command_line_takes(line: Line) -> None:
    name, *arguments = shlex.split(line.text, comments=True)[1:]
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    # Parsing alone: nothing runs, and an option that doesn't exist raises.
    while isinstance(command, click.Group):
        name, *arguments = arguments
        command = command.get_command(click.Context(command), name)
        assert command is not None
    command.make_context(name, [one for one in arguments if one not in ("|", ">")])


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_stands_in_the_readme(name: str) -> None:
    assert f"`nbprod {name}`" in (ROOT / "README.md").read_text()


def test_no_page_speaks_of_a_command_that_is_not_there() -> None:
    spoken = {
        (page.name, name)
        for page in PAGES
        for name in re.findall(r"`nbprod ([a-z][a-z-]*)", page.read_text())
    }
    assert {(page, name) for page, name in spoken if name not in COMMANDS} == set()


def test_the_page_of_the_command_line_is_what_help_says() -> None:
    page = command_line_page()
    if os.environ.get("NBPROD_REWRITE"):
        COMMAND_LINE.write_text(page)
    assert COMMAND_LINE.read_text() == page, "write it anew: NBPROD_REWRITE=1 pytest tests/test_readme.py"


def command_line_page() -> str:
    parts = ["# The command line\n\nWhat `--help` says of each command.\n"]
    for name in COMMANDS:
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        context = click.Context(
            command, info_name=f"nbprod {name}", terminal_width=100, max_content_width=100
        )
        parts.append(f"## nbprod {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def test_the_picture_is_what_nbprod_draws() -> None:
    drawn = flow_svg(api.study(ROOT / "sample_notebooks" / "flight_delays.ipynb", leakage=False)) + "\n"
    kept = ROOT / "docs" / "images" / "flight_delays.svg"
    if os.environ.get("NBPROD_REWRITE"):
        kept.write_text(drawn)
    assert kept.read_text() == drawn, "draw it anew: NBPROD_REWRITE=1 pytest tests/test_readme.py"


@pytest.mark.parametrize("line", shell_lines("make"), ids=id_of)
def test_a_target_shown_is_one_of_the_makefile(line: Line) -> None:
    target = line.text.split()[1]
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@pytest.mark.parametrize("block", magic_blocks(), ids=id_of)
def test_a_cell_shown_has_a_magic_line_and_expectations_that_are_understood(block: Block) -> None:
    cell = Cell(id="shown", index=0, position=0, kind=CellKind.CODE, source=block.text)
    line = magic_line(cell)
    assert line is not None
    if isinstance(line, ExpectLine):
        assert read_expectations(body_of(cell))


@pytest.mark.parametrize("block", [one for one in blocks() if one.language == "toml"], ids=id_of)
def test_settings_shown_are_settings(block: Block) -> None:
    assert tomllib.loads(block.text)["tool"]["nbprod"]
    settings_from(block.text, where=block.page)


@pytest.mark.parametrize(
    "block",
    [one for one in blocks() if one.language == "python" and "from nbprod import" in one.text],
    ids=id_of,
)
def test_python_shown_runs(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    exec(compile(block.text, block.page, "exec"), {})  # noqa: S102 - our own documentation


def links() -> list[Line]:
    """The links to places in the repository that pages hold."""
    found = re.compile(r"\]\((?!https?://|#)([^)#\s]+)[^)]*\)")
    return [
        Line(page.relative_to(ROOT).as_posix(), target)
        for page in PAGES
        for target in found.findall(page.read_text())
    ]


@pytest.mark.parametrize("link", links(), ids=id_of)
def test_a_link_leads_somewhere(link: Line) -> None:
    assert ((ROOT / link.page).parent / link.text).exists()


def test_every_page_of_the_docs_is_reached_from_the_readme() -> None:
    reached, pending = set(), [ROOT / "README.md"]
    while pending:
        page = pending.pop()
        if page in reached or not page.exists():
            continue
        reached.add(page)
        pending += [
            (page.parent / link.text).resolve()
            for link in links()
            if link.page == page.relative_to(ROOT).as_posix() and link.text.endswith(".md")
        ]
    assert [page.name for page in PAGES if page not in reached] == []


def test_the_readme_goes_from_what_it_is_to_how_to_help() -> None:
    readme = (ROOT / "README.md").read_text()
    headings = re.findall(r"^## (.+)$", readme, re.MULTILINE)
    assert headings == [
        "Two commands",
        "Five minutes",
        "From the command line",
        "How it works",
        "Contributing",
    ]


def test_the_readme_opens_with_three_lines_and_a_picture() -> None:
    opening = (ROOT / "README.md").read_text().partition("\n## ")[0].strip().split("\n\n")
    title, prose, picture = opening
    assert (title, len(prose.splitlines()) <= 3, picture.startswith("![")) == ("# nbprod", True, True)
