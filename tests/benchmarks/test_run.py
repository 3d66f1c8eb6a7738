"""The quick benchmark run works. No test asserts a duration."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from benchmarks import report, run
from benchmarks.contenders import COLD_STARTS, CONTENDERS
from benchmarks.report import Results

pytestmark = pytest.mark.node

NODE = Path(run.__file__).parent / "node"


@pytest.fixture(scope="module")
def results() -> Results:
    """Results of one quick run."""
    assert (NODE / "node_modules").is_dir(), "the Node.js packages are missing: `make tools` installs them"
    return run.bench(quick=True)


def test_every_contender_delivers_to_every_member(results: Results) -> None:
    assert {(row.contender, row.members, row.delivered) for row in results.measurements} == {
        (name, size, size) for name in CONTENDERS for size in run.QUICK_ROUNDS
    }


def test_contenders_send_equally_many_requests_to_dynamodb(results: Results) -> None:
    assert len({row.dynamodb_requests for row in results.measurements}) == 1


def test_every_figure_is_measured(results: Results) -> None:
    assert all(min(row.wall_ms, row.cpu_ms, row.peak_mb) > 0 for row in results.measurements)
    assert results.first.keys() == COLD_STARTS.keys()
    assert all(min(first) > 0 for first in results.first.values())
    assert [latency.contender for latency in results.latencies] == ["program", "node"]
    delays = results.delay_ms + 2 * results.dynamodb_delay_ms
    assert all(delays <= latency.p50_ms <= latency.p99_ms for latency in results.latencies)


def test_failing_members_do_not_affect_other_members(results: Results) -> None:
    assert results.failures.delivered == results.failures.reachable < results.failures.members


def test_results_are_written_as_tables_and_plot(results: Results, tmp_path: Path) -> None:
    report.write(results, tmp_path)
    page = (tmp_path / "results.md").read_text()
    assert all(name in page for name in report.COLD_START_NAMES.values())
    assert "polyline" in ElementTree.tostring(ElementTree.parse(tmp_path / "wall.svg").getroot(), "unicode")  # noqa: S314
