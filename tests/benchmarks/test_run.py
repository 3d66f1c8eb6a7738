"""The quick form of the benchmarks. No test asserts a duration."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import report, run
from benchmarks.contenders import CONTENDERS
from benchmarks.report import Results

NODE = Path(run.__file__).parent / "node"


@pytest.fixture(scope="module")
def results() -> Results:
    """Run the quick form and return its results."""
    assert (NODE / "node_modules").is_dir(), "the Node.js packages are missing: `make tools` installs them"
    return run.bench(quick=True)


def test_every_contender_delivers_to_all_members(results: Results) -> None:
    assert {(row.contender, row.members, row.delivered) for row in results.measured} == {
        (name, size, size) for name in CONTENDERS for size in run.QUICK_ROUNDS
    }


def test_contenders_make_the_same_number_of_dynamodb_requests(results: Results) -> None:
    assert len({row.requests for row in results.measured}) == 1


def test_every_figure_is_measured(results: Results) -> None:
    assert all(min(row.wall_ms, row.cpu_ms, row.peak_mb) > 0 for row in results.measured)
    assert results.first_ms.keys() == CONTENDERS.keys()


def test_faulty_members_do_not_affect_the_others(results: Results) -> None:
    assert results.faults.delivered == results.faults.reachable < results.faults.members


def test_report_has_tables_and_a_plot(results: Results, tmp_path: Path) -> None:
    report.write(results, tmp_path)
    page = (tmp_path / "results.md").read_text()
    assert all(name in page for name in report.NAMES.values())
    assert "polyline" in ElementTree.tostring(ElementTree.parse(tmp_path / "wall.svg").getroot(), "unicode")  # noqa: S314
