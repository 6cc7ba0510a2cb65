"""What is computed of growth: the needs of an installation, and the charts."""

from xml.etree import ElementTree as ET

import pytest

from benchmarks.growth.capacity import Cost, Costs, need
from benchmarks.growth.chart import Chart, Line
from benchmarks.growth.words import WordCost

SVG = "{http://www.w3.org/2000/svg}"


def cost(**changed: float) -> Cost:
    """An operation that costs nothing but what is said."""
    free = dict.fromkeys(Cost.__dataclass_fields__, 0.0)
    return Cost(**{**free, **changed})


def test_needs_are_those_of_flows_and_of_their_polls():
    """Rounded up to whole workers and masters, none of them busier than is good."""
    flow = cost(service=0.001, redis=0.0001, commands=10, bytes_in=1000, bytes_out=500, stored=2048)
    poll = cost(service=0.0002, redis=0.00002, commands=2, bytes_in=100, bytes_out=25)
    unsaid = WordCost(reader=0, redis=0, size=0)
    costs = Costs(flow, poll, unsaid, idle=0)
    wanted = need(1_000, costs, polls=2)
    assert (wanted.workers, wanted.masters) == (2, 1)
    assert wanted.commands == 14_000
    assert wanted.megabits == pytest.approx(14)
    assert wanted.gibibytes == pytest.approx(1_000 * 780 * 2048 / 2**30)
    assert need(10_000, costs, polls=2).workers == 20


def test_every_worker_reads_every_word():
    """Two for each flow: room that is gone from each worker, and copies that Redis makes."""
    flow, poll = cost(service=0.001, redis=0.0001), cost()
    word = WordCost(reader=0.000005, redis=0.000001, size=100)
    costs = Costs(flow, poll, word, idle=0.005)
    wanted = need(10_000, costs)
    assert wanted.workers == 17  # 10 cores of work; words leave 0.6 of the 0.7 of each
    assert wanted.masters == 3  # 1 for flows, 0.34 for copies, 0.085 for sweeps, over 0.7
    assert wanted.megabits == pytest.approx(20_000 * 17 * 100 * 8 / 1e6)
    with pytest.raises(ValueError, match="words"):
        need(100_000, costs)


def test_a_chart_has_a_line_for_each_and_marks_at_powers_of_ten():
    """Growth by ten is the same way everywhere, to the right and upwards."""
    lines = [Line("first & foremost", [(1, 2), (10, 20), (1_000, 2_000)]), Line("flat", [(1, 5)])]
    picture = ET.fromstring(Chart("Growth", "things", "ms", lines).svg())  # noqa: S314 - ours
    circles = [(float(c.get("cx", 0)), float(c.get("cy", 0))) for c in picture.iter(f"{SVG}circle")]
    assert len(circles) == 4
    (x1, y1), (x10, y10), (x1000, y1000), _ = circles
    assert x1000 - x10 == pytest.approx(2 * (x10 - x1), abs=0.3)
    assert y10 - y1000 == pytest.approx(2 * (y1 - y10), abs=0.3)
    texts = [each.text for each in picture.iter(f"{SVG}text")]
    for expected in ("Growth", "first & foremost", "1", "10", "100", "1,000", "10,000"):
        assert expected in texts
