"""``make bench``: ratios of neighbours, goals, and requests that each can be used once."""

import json
from base64 import urlsafe_b64decode
from pathlib import Path

import pytest

from benchmarks.speed.chapter import chapter, is_met
from benchmarks.speed.comparison import Compared, Comparison
from benchmarks.speed.generator import Latency, Run
from benchmarks.speed.names import APPROVE_PATH
from benchmarks.speed.scenarios import Memory, Plan, Scenario
from benchmarks.speed.stages import Signers, Stages


def run(rate: float, p99: float = 1.0) -> Run:
    """A run as fast as that."""
    return Run(rate, 0, Latency(1.0, 1.0, 1.0, p99, p99), 1e6 / rate, 0.1, 0.2, 0.3, "")


def comparison(*own: float, p99: float = 1.0, redis_bytes: float = 500.0) -> Comparison:
    """Measured polls beside a peer that does 100, 200 and 300 a second with a p99 of 10 ms."""
    peer = tuple(run(rate, 10.0) for rate in (100.0, 200.0, 300.0))
    compared = Compared(tuple(map(run, own)), peer, 100.0, (run(100.0, p99),), (peer[0],))
    memory = Memory(10.0, redis_bytes + 200, 200), Memory(100.0, 1000.0, 0)
    return Comparison(Plan(), {Scenario.POLL: compared}, *memory, 60.0, "the peer")


def test_a_ratio_is_the_median_of_those_of_neighbours():
    """What slows a machine down for a while meets both neighbours, and the ratio stays."""
    measured = comparison(200.0, 400.0, 300.0).scenarios[Scenario.POLL]
    assert measured.ratio == 2.0
    assert measured.cpu_ratio == pytest.approx(2.0)
    assert measured.tail_ratio == 10.0


def test_every_goal_met_is_success():
    """The table says so, the challenge counts aside, and where it was measured stands above."""
    text = chapter(comparison(200.0, 400.0, 600.0))
    assert is_met(comparison(200.0, 400.0, 600.0))
    assert "the peer." in text.splitlines()[0]
    assert "| pending poll | 400/s | 200/s | 2.00 | at least 1.7 | met |" in text
    assert "| 500 (and 200) | 1000 | 0.50 | at most 0.65 | met |" in text
    assert "missed" not in text


@pytest.mark.parametrize(
    "measured",
    [
        comparison(150.0, 300.0, 450.0),
        comparison(200.0, 400.0, 600.0, p99=3.0),
        comparison(200.0, 400.0, 600.0, redis_bytes=700.0),
    ],
    ids=["rate", "tail", "memory"],
)
def test_one_goal_missed_is_told(measured: Comparison):
    """Whichever it is."""
    assert not is_met(measured)
    assert chapter(measured).count("**missed**") == 1


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """Files for a provider."""
    return Stages(Signers.generate(), "http://127.0.0.1:1", "/bc", "/token", tmp_path)


def claims(jws: str) -> dict[str, object]:
    """What a JWS says."""
    payload = jws.split(".")[1]
    return dict(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))


def test_no_two_requests_are_the_same(stages: Stages):
    """Each assertion, request and proof has an identifier of its own."""
    requests = [line.split("\t") for line in stages.requests(5).read_text().splitlines()]
    tokens = [
        line.split("\t") for line in stages.token_requests(5, "nonce").read_text().splitlines()
    ]
    assert {path for path, _, _ in requests} == {"/bc"}
    assert {path for path, _, _ in tokens} == {"/token"}
    signed = [proof for _, proof, _ in tokens]
    signed += [body.rpartition("=")[2] for _, _, body in (*requests, *tokens)]
    signed += [body.split("request=")[1].partition("&")[0] for _, _, body in requests]
    identifiers = [claims(each)["jti"] for each in signed]
    assert len(set(identifiers)) == len(identifiers) >= 20
    assert all(claims(proof)["nonce"] == "nonce" for _, proof, _ in tokens)


def test_an_approval_names_the_request_of_its_flow(stages: Stages):
    """One line for all, in which the generator puts the name."""
    assert stages.approvals().read_text() == f"{APPROVE_PATH}\t-\t{{ID}}\n"
