"""The picture of a flow says what it must, in well-formed SVG, to eyes and to screen readers."""

import re
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace
from shown import FLOW, RECORD, STUDY

from nbprod.faces.picture import flow_svg
from nbprod.model import Flow, Kind, Link, Stage, Study

SVG = "{http://www.w3.org/2000/svg}"


def texts(svg: str) -> list[str]:
    """All text that the picture shows, in drawing order."""
    return [element.text or "" for element in ET.fromstring(svg).iter(f"{SVG}text")]  # noqa: S314


def test_boxes_and_wires_say_what_the_study_knows() -> None:
    assert texts(flow_svg(STUDY)) == [
        "flights, weather",
        "table",
        "“holidays.csv”",
        *("L", "load", "load · cell 2", "◇ 2 expectations"),
        *("F", "features", "features · cells 3-4, 6", "▲ 1 finding"),
        *("T", "train", "train · cell 7"),
    ]


def test_the_last_run_stands_in_the_boxes() -> None:
    shown = texts(flow_svg(STUDY, record=RECORD))
    assert [text for text in shown if re.search("broken|skipped", text)] == [
        "⚠ broken · 3.2 s",
        "» skipped",
        "» skipped",
    ]


def test_a_screen_reader_hears_the_stages_and_what_they_follow() -> None:
    root = ET.fromstring(flow_svg(STUDY))  # noqa: S314
    described = root.findtext(f"{SVG}desc")
    assert (root.get("role"), root.findtext(f"{SVG}title"), described) == (
        "img",
        "Pipeline of 3 stages",
        "load (load); features (features) after load; train (train) after features, load",
    )


@pytest.mark.parametrize("theme", ["prefers-color-scheme:dark", "--jp-layout-color1", "--jp-ui-font-color1"])
def test_colours_follow_the_theme(theme: str) -> None:
    assert theme in flow_svg(STUDY)


def test_names_that_look_like_markup_stay_text() -> None:
    flow = Flow(
        stages=(
            Stage(name="a<b>&\"'", kind=Kind.LOAD, cells=(0,)),
            Stage(name="c", kind=Kind.OTHER, cells=(1,)),
        ),
        links=(Link(giver="a<b>&\"'", taker="c", carries=("</svg>",)),),
    )
    shown = texts(flow_svg(Study(notebook="x", flow=flow)))
    assert ("a<b>&\"'" in shown, "</svg>" in shown) == (True, True)


def test_many_values_on_one_wire_are_cut_to_three_lines() -> None:
    many = tuple(f"column_number_{number}" for number in range(20))
    flow = replace(FLOW, links=(Link(giver="load", taker="train", carries=many),))
    values = [
        text for text in texts(flow_svg(replace(STUDY, flow=flow))) if "number" in text or "more" in text
    ]
    assert values == ["column_number_0,", "column_number_1,", "and 18 more"]


def test_a_notebook_without_stages_says_so() -> None:
    assert texts(flow_svg(Study(notebook="x"))) == ["No cell has a stage yet."]
