"""The load of ``make soak``: what it draws, how it asks, and what it writes down."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from benchmarks.soak.callbacks import CallbackEndpoint
from benchmarks.soak.chapter import chapter
from benchmarks.soak.checker import Judgement, Violation
from benchmarks.soak.history import NOBODY, Answered, History, Kind, Sent, token_name
from benchmarks.soak.plan import EXPIRY, SHORT_EXPIRY, drawn
from benchmarks.soak.running import Outcome
from benchmarks.soak.scenario import Scenario
from benchmarks.soak.wire import Door, NoAnswer, NotSent

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"


def test_a_seed_draws_the_same_flows_and_another_one_others():
    """So that what was found can be found again."""
    flows = [drawn(1, number, users=9, guessers=2) for number in range(50)]
    assert flows == [drawn(1, number, users=9, guessers=2) for number in range(50)]
    assert flows != [drawn(2, number, users=9, guessers=2) for number in range(50)]


def test_everything_that_may_happen_is_drawn():
    """Each mode, each temper, each way to decide; whoever guesses has a name apart."""
    flows = [drawn(3, number, users=9, guessers=2) for number in range(5_000)]
    assert {flow.mode for flow in flows} == {"poll", "ping", "push"}
    assert {what for flow in flows for what in flow.decisions} == set(Sent)
    tempers = Counter(flow.client for flow in flows)
    assert len(tempers) == 7
    guesses = [flow for flow in flows if flow.user >= 9]
    assert guesses
    assert all(Sent.RIGHT not in flow.decisions for flow in guesses)
    assert {flow.expiry for flow in flows if not flow.decisions} == {SHORT_EXPIRY}
    assert EXPIRY in {flow.expiry for flow in flows}


def test_brief_flows_never_wait_for_their_expiry():
    """Somebody always answers."""
    flows = [drawn(3, number, users=9, guessers=0, brief=True) for number in range(500)]
    assert all(flow.decisions for flow in flows)


def test_patience_does_not_make_a_history_grow():
    """Of polls that stay pending the first and the last are kept; of the world apart."""
    history = History()
    history.note(7, Kind.STARTED)
    for since in range(1, 50):
        history.note(7, Kind.ANSWERED, Answered.PENDING, since=1e9 + since)
    history.note(7, Kind.ANSWERED, Answered.DENIED, since=1e9 + 60)
    history.note(NOBODY, Kind.KILLED, process=2)
    assert [event.word for event in history.flows[7]] == [
        "", Answered.PENDING, Answered.PENDING, Answered.DENIED
    ]  # fmt: skip
    assert history.flows[7][2].since == 1e9 + 49
    assert [event.process for event in history.world] == [2]


def test_a_history_is_written_line_by_line_and_without_tokens(tmp_path: Path):
    """JSON lines, in which a token is a name."""
    history = History()
    history.note(1, Kind.ANSWERED, Answered.TOKENS, detail=token_name("secret", "other"))
    file = tmp_path / "history.jsonl"
    history.write(file)
    (line,) = file.read_text("utf-8").splitlines()
    assert json.loads(line)["detail"] == token_name("secret", "other")
    assert "secret" not in line


# --- HTTP ---


@asynccontextmanager
async def served(*answers: bytes | None) -> AsyncIterator[tuple[Door, list[int]]]:
    """A door to a server with these answers; None breaks the connection. And who connected."""
    left, connections = list(answers), []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(len(connections))
        try:
            while left:
                await reader.readuntil(b"\r\n\r\n")
                answer = left.pop(0)
                if answer is None:
                    break
                for part in (answer[:20], answer[20:]):
                    writer.write(part)
                    await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    door = Door(server.sockets[0].getsockname()[1])
    async with server:
        yield door, connections
        door.close()


async def test_a_connection_is_kept_and_an_answer_put_together():
    """However it is cut on its way."""
    async with served(OK + b'{"error":"a"', OK + b'{"error":"b"') as (door, connections):
        first, second = await door.send("GET", "/"), await door.send("GET", "/")
    assert (first.status, first.body, second.body) == (200, b'{"error":"a"', b'{"error":"b"')
    assert connections == [0]
    assert first.text("error") == ""


async def test_what_was_sent_and_what_was_not_are_told_apart():
    """Nobody listens: not sent. A connection that ends: nobody knows."""
    async with served(None) as (door, _):
        with pytest.raises(NoAnswer) as lost:
            await door.send("GET", "/")
    assert not lost.value.is_late
    with pytest.raises(NotSent):
        await door.send("GET", "/")


async def test_whoever_goes_away_has_sent_and_reads_nothing():
    """The request arrives, whole."""
    arrived: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        arrived.set_result(await reader.readuntil(b"a=b"))
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        door = Door(server.sockets[0].getsockname()[1])
        await door.send_and_leave("POST", "/token", b"a=b", 0.0)
        assert (await asyncio.wait_for(arrived, 10)).startswith(b"POST /token HTTP/1.1\r\n")


# --- Callbacks ---


def test_a_callback_is_written_down_and_fails_by_the_seed():
    """The same attempts fail in every run; who is called back hears of it when it was taken."""

    def attempts(seed: int) -> tuple[list[str], list[int]]:
        history, called = History(), []
        endpoint = CallbackEndpoint(
            history, seed=seed, percent=50, flow_of=lambda _: 5, called=called.append
        )
        for _ in range(20):
            endpoint.arrived(b'{"auth_req_id":"a"}')
        return [event.word for event in history.flows[5]], called

    words, called = attempts(1)
    assert words == attempts(1)[0] != attempts(2)[0]
    assert len(called) == words.count("taken") > 0
    assert len(set(words)) > 2


def test_a_push_is_told_by_the_names_of_its_tokens_and_body():
    """And an error by its name."""
    history = History()
    endpoint = CallbackEndpoint(
        history, seed=1, percent=0, flow_of=lambda _: 5, called=lambda _: None
    )
    endpoint.arrived(b'{"auth_req_id":"a","access_token":"t","id_token":"i"}')
    endpoint.arrived(b'{"auth_req_id":"a","error":"expired_token"}')
    tokens, refusal = history.flows[5]
    assert (tokens.number, tokens.detail) == (1, token_name("t", "i"))
    assert (refusal.number, refusal.detail) == (0, "expired_token")
    assert tokens.body != refusal.body


# --- The chapter ---


def test_the_chapter_adds_up_and_hides_no_violation():
    """Flows, faults and lost redemptions of all scenarios, and how many violations there were."""
    judged = Judgement(
        violations=[Violation(1, "an approval was lost")],
        ends=Counter(tokens=7, access_denied=2),
        lost=Counter({"its process died": 1}),
    )
    outcome = Outcome(
        scenario=Scenario("kills", (), 9),
        seed=4,
        seconds=3.0,
        judged=judged,
        faults=Counter({"kill -9 at random": 5}),
        points=Counter({"after swap redeem": 1}),
        closed=Counter(),
        latencies={"redeemed": [0.01, 0.02]},
    )
    text = chapter([outcome, outcome], "")
    assert "**18 flows, 2 violations.**" in text
    assert "| kills | 9 | 3 | 5 | 1 | 0 ms | 0 ms | 0 ms | 0 ms | 10 ms | 20 ms |" in text
    assert "| its process died | 2 |" in text
    assert "| kill -9 at random | 10 |" in text
    assert "after swap redeem (2)" in text
    assert "planned" not in text


def test_the_chapter_says_when_fewer_flows_ran_than_were_planned():
    """A run that was cut short is told as one."""
    outcome = Outcome(
        scenario=Scenario("mixed", (), 100_000, seconds=600.0),
        seed=4,
        seconds=700.0,
        judged=Judgement(ends=Counter(tokens=7)),
        faults=Counter(),
        points=Counter(),
        closed=Counter(),
        latencies={},
    )
    text = chapter([outcome])
    assert (
        "Of 100,000 flows planned in `mixed` these are the ones that began within 10 minutes"
        in (text)
    )
