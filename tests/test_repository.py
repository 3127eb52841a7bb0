"""What holds for the repository as a whole: its layers, its light import, its lock, and what no file may say."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
HEAVY = (
    "papermill",
    "great_expectations",
    "ibis",
    "pandas",
    "IPython",
    "sklearn",
    "duckdb",
    "pyarrow",
    "numpy",
)
LOCKS = sorted((ROOT / "locks").glob("*.txt"))

# Written apart, so that this file passes its own test.
REGISTRY_HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "npm" + "js.org",
    "npm" + "js.com",
    "yarn" + "pkg.com",
)
MACHINE_PATH = re.compile(r"(?<![\w.:/~$}-])/(?:work|root|home/\w+|tmp|Users/\w+)/[\w.-]+")


def files_of_the_repository() -> list[Path]:
    """The files git tracks, or all that a source archive holds; those that are text."""
    if not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def lines_matching(pattern: re.Pattern[str]) -> list[str]:
    """`path:line` of every line of a tracked file in which the pattern is found."""
    found = []
    for path in files_of_the_repository():
        name = path.relative_to(ROOT).as_posix()
        for number, line in enumerate(
            path.read_bytes().decode("utf-8", errors="replace").splitlines(), start=1
        ):
            if pattern.search(line):
                found.append(f"{name}:{number}")
    return found


def test_every_room_is_entered_from_above_only() -> None:
    lint_imports = shutil.which("lint-imports", path=str(Path(sys.executable).parent))
    assert lint_imports is not None
    done = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_importing_nbprod_loads_nothing_heavy() -> None:
    program = (
        f"import json, sys, nbprod; print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_and_hashes_every_line_and_names_no_address(lock: Path) -> None:
    requirements = lock.read_text().replace("\\\n", " ").splitlines()
    pinned = re.compile(r"[A-Za-z0-9._-]+==\S+( ; [^#]+?)?(\s+--hash=sha256:[0-9a-f]{64})+\s*")
    assert [line for line in requirements if not pinned.fullmatch(line)] == []


@pytest.mark.parametrize(
    ("lock", "groups"),
    [("demo.txt", ("build", "demo")), ("test.txt", ("build", "demo", "sidebar", "test"))],
    ids=["what the demo needs", "what the tests need"],
)
def test_a_lock_holds_what_the_project_asks_for(lock: str, groups: tuple[str, ...]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [Requirement(text) for text in project["project"]["dependencies"]]
    asked += [Requirement(text) for group in groups for text in project["dependency-groups"][group]]
    pins = dict(
        re.findall(r"^([A-Za-z0-9._-]+)==([^\s;]+)", (ROOT / "locks" / lock).read_text(), re.MULTILINE)
    )
    unmet = [
        str(one) for one in asked if not one.specifier.contains(pins.get(canonicalize_name(one.name), "0"))
    ]
    assert unmet == [], "run `make lock`"


def test_no_file_names_the_host_of_a_package_registry() -> None:
    assert lines_matching(re.compile("|".join(map(re.escape, REGISTRY_HOSTS)))) == []


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    assert lines_matching(MACHINE_PATH) == []


@pytest.mark.parametrize(
    ("line", "is_found"),
    [
        ("open('" + "/work" + "/main/x.py')", True),
        ("see /" + "tmp/out.csv", True),
        ("/" + "home/ann/data", True),
        ("https://example.org/home/ann/data", False),
        ("$HOME/work/main", False),
        ("work/main/x.py", False),
    ],
    ids=[
        "a checkout",
        "a scratch file",
        "a home",
        "part of an address",
        "under a variable",
        "a relative path",
    ],
)
def test_a_path_of_a_machine_is_told_from_what_looks_like_one(line: str, is_found: bool) -> None:  # noqa: FBT001
    assert bool(MACHINE_PATH.search(line)) is is_found


def test_no_two_files_of_the_tests_share_a_name() -> None:
    # pytest imports them by their bare names, each folder of the tests being on the path.
    names = [path.name for path in (ROOT / "tests").rglob("*.py") if "cases" not in path.parts]
    shared = {name for name in names if names.count(name) > 1}
    assert shared <= {"conftest.py"}


def test_every_sample_notebook_is_kept_without_outputs() -> None:
    kept = []
    for path in sorted((ROOT / "sample_notebooks").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        kept += [path.name for cell in cells if cell.get("outputs") or cell.get("execution_count")]
    assert kept == []
