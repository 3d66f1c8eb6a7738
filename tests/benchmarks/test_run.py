"""The quick form of the benchmarks works; how fast anything is, is not a test's business."""

import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import report, run
from benchmarks.contenders import CONTENDERS
from benchmarks.report import Results

NODE = Path(run.__file__).parent / "node"


@pytest.fixture(scope="module")
def results() -> Results:
    """Of the quick form."""
    if not (NODE / "node_modules").exists():
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=NODE, check=True)  # noqa: S607
    return run.bench(quick=True)


def test_every_contender_delivers_to_everyone(results: Results) -> None:
    assert {(row.contender, row.members, row.delivered) for row in results.measured} == {
        (name, size, size) for name in CONTENDERS for size in run.QUICK_ROUNDS
    }


def test_contenders_ask_dynamodb_for_as_much(results: Results) -> None:
    assert len({row.requests for row in results.measured}) == 1


def test_everything_is_measured(results: Results) -> None:
    assert all(min(row.wall_ms, row.cpu_ms, row.peak_mb) > 0 for row in results.measured)
    assert results.first_ms.keys() == CONTENDERS.keys()


def test_faults_keep_the_message_from_nobody_else(results: Results) -> None:
    assert results.faults.delivered == results.faults.reachable < results.faults.members


def test_results_are_written_as_tables_and_as_a_plot(results: Results, tmp_path: Path) -> None:
    report.write(results, tmp_path)
    page = (tmp_path / "results.md").read_text()
    assert all(name in page for name in report.NAMES.values())
    assert "polyline" in ElementTree.tostring(ElementTree.parse(tmp_path / "wall.svg").getroot(), "unicode")  # noqa: S314
