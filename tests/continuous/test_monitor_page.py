"""The monitor's page holds everything over time, asks nobody for anything, and says what isn't there."""

import math
import re
from html.parser import HTMLParser

import pytest
from monitors import LONG, monitor
from msgspec.structs import replace

from nbprod.continuous.monitor_page import monitor_page
from nbprod.continuous.monitoring import news
from nbprod.continuous.plots import Happened, Mark, lanes, plot, ticks
from nbprod.tracking.parity import Parity

DAY = 86400.0


class Read(HTMLParser):
    """Sections by title, each with its text and the labels of its pictures; every attribute's value; the tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text: dict[str, str] = {}
        self.pictures: dict[str, set[str]] = {}
        self.values: list[str] = []
        self.tags: set[str] = set()
        self._title, self._in_title = "", False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.values += [value or "" for _, value in attrs]
        self._in_title = tag == "h2"
        if tag == "h2":
            self._title = ""
        if tag == "svg":
            self.pictures.setdefault(self._title, set()).add(dict(attrs)["aria-label"])

    def handle_endtag(self, tag):
        self._in_title = self._in_title and tag != "h2"

    def handle_data(self, data):
        if self._in_title:
            self._title += data
        self.text[self._title] = f"{self.text.get(self._title, '')} {data}"


def test_the_page_shows_each_thing_over_time():
    assert Read(monitor_page(monitor())).pictures == {
        "Metric": {"mae over time"},
        "Drift of the features": {"largest PSI over time"},
        "Predictions": {"mean prediction over time"},
        "Data": {"rows over time"},
        "Decisions": {"decisions over time"},
    }


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("", "delay drifted (PSI 0.50) in the latest batch, 2026-04-01 to 2026-04-28."),
        ("", "What is served is not what was trained on: distance, seats."),
        ("Metric", "version 2"),
        ("Metric", "2026-03-28: 20.25"),
        ("Drift of the features", "delay 0.500 0.0% → 12.5% < 1e-06 drifted"),
        ("Drift of the features", LONG),
        ("Skew between training and serving", "Of 3 features of 1,234 served rows 1 differ."),
        ("Skew between training and serving", "distance 17 r9 100.0 160.9"),
        ("Skew between training and serving", "2 served rows the model's run never saw"),
        ("Data", "2026-04-01 to 2026-04-28 9,200 2 none yet delay 2026-05-01 04:00"),
        ("Decisions", "kept 4 Trained as drift: PSI delay 0.75. It is worse by 0.5"),
        ("Decisions", "stopped The data breaks flights.carrier <script>alert(1)</script>."),
        ("Champions", "rollback 2 → 1 ada a drill"),
    ],
)
def test_the_page_says(section, says):
    assert says in re.sub(r"\s+", " ", Read(monitor_page(monitor())).text[section])


def test_the_page_asks_nobody_for_anything():
    read = Read(monitor_page(monitor()))
    outside = [value for value in read.values if re.search(r"https?:|//|url\(|javascript:", value)]
    loading = read.tags & {"script", "link", "img", "iframe", "object", "embed", "image", "use"}
    assert (outside, loading, "url(" in monitor_page(monitor())) == ([], set(), False)


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("", "Nothing has been scored yet."),
        ("Metric", "No labels have arrived yet"),
        ("Drift of the features", "Nothing has been scored yet."),
        ("Skew between training and serving", "--served holds them against the training's own"),
        ("Data", "Nothing has been scored yet."),
        ("Decisions", "None yet"),
    ],
)
def test_what_is_not_there_yet_is_said(section, says):
    read = Read(monitor_page(monitor(months=0, skew=None)))
    assert (says in read.text[section], read.pictures) == (True, {})


def test_one_batch_alone_is_a_plot_too():
    assert Read(monitor_page(monitor(months=1))).pictures["Metric"] == {"mae over time"}


def test_figures_without_bounds_are_shown_and_break_no_plot():
    found = monitor()
    strange = replace(
        found.batches[1], live=math.nan, drift=(replace(found.batches[1].drift[0], psi=math.inf),)
    )
    page = monitor_page(replace(found, batches=(found.batches[0], strange)))
    assert ("2026-02-28: 10" in page, "2026-01-28: 12.5" in page, ">inf<" in page, "NaN" in page) == (
        True,
        True,
        True,
        False,
    )


def test_skew_that_is_none_wants_no_attention():
    found = monitor(months=2, skew=Parity(rows=10, columns=3))
    assert ([one for one in news(found) if "served" in one], "bit for bit" in monitor_page(found)) == (
        [],
        True,
    )


def test_a_promise_holds_until_the_next_one():
    drawn = plot([(0.0, 1.0), (DAY, 2.0)], [(0.0, 4.0), (DAY, 2.0)], label="x")
    corners = re.search(r'<polyline class="two" points="([^"]*)"', drawn)[1].split()
    assert [corner.split(",")[1] for corner in corners] == ["18.0", "18.0", "91.0"]


def test_dots_and_marks_stay_within_the_picture():
    points = [(day * DAY, figure) for day, figure in enumerate([-3.0, 1e6, 0.0, 12.0])]
    drawn = plot(points, label="x", limit=2e6, marks=[Mark(at=2 * DAY, says="v")])
    for width, picture in zip((760, 360), drawn.split("</svg>"), strict=False):
        dots = re.findall(r'cx="([\d.-]+)" cy="([\d.-]+)"', picture)
        assert len(dots) == 4
        assert all(0 <= float(x) <= width and 0 <= float(y) <= 190 for x, y in dots)


def test_lanes_hold_only_what_happened_in_the_order_asked():
    happened = [Happened(at=0.0, lane="b", says="one"), Happened(at=DAY, lane="a", says="two")]
    drawn = lanes(happened, order=["a", "never", "b"], label="x")
    assert re.findall(r'text-anchor="end">(\w+)<', drawn) == ["a", "b", "a", "b"]


@pytest.mark.parametrize(
    ("low", "high", "steps"),
    [
        (0, 23.2, (0, 10, 20, 30)),
        (0, 1, (0, 0.25, 0.5, 0.75, 1)),
        (0, 0.16, (0, 0.05, 0.1, 0.15, 0.2)),
        (-3, 4, (-4, -2, 0, 2, 4)),
        (0, 0, (0, 0.25, 0.5, 0.75, 1)),
        (0, 9885, (0, 2500, 5000, 7500, 10000)),
    ],
)
def test_an_axis_has_round_figures_that_hold_everything(low, high, steps):
    assert ticks(low, high) == pytest.approx(steps)
