"""Steps of one task that go on at the same time."""

import asyncio

import pytest

from ciba_service.flow.together import outcomes, together


class Store:
    """Answers that come when the test says so."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answers: dict[str, asyncio.Future[str]] = {}

    async def ask(self, question: str) -> str:
        """Wait for the answer."""
        self.asked.append(question)
        self.answers[question] = asyncio.get_running_loop().create_future()
        return await self.answers[question]


@pytest.fixture
def store() -> Store:
    """One that nobody has asked."""
    return Store()


async def twice(store: Store) -> list[str]:
    """Two questions, one after the other."""
    return [await store.ask("first"), await store.ask("second")]


async def refused() -> str:
    """A step that ends without waiting."""
    raise ValueError("refused")


async def begun(task: asyncio.Task[object]) -> None:
    """Let a task run up to its next wait."""
    assert not task.done()
    await asyncio.sleep(0)


async def test_all_steps_ask_before_the_first_answer_comes(store: Store):
    """Their questions share a round trip, whatever order the answers come in."""
    task = asyncio.ensure_future(together(store.ask("a"), store.ask("b"), store.ask("c")))
    await begun(task)
    assert store.asked == ["a", "b", "c"]
    for name in "cab":
        store.answers[name].set_result(name.upper())
    assert list(await task) == ["A", "B", "C"]


async def test_a_step_goes_on_after_its_first_answer(store: Store):
    """One that asks twice is waited for to its end."""
    task = asyncio.ensure_future(together(twice(store), store.ask("b")))
    await begun(task)
    store.answers["first"].set_result("1")
    store.answers["b"].set_result("B")
    for _ in range(2):
        await begun(task)
    store.answers["second"].set_result("2")
    assert list(await task) == [["1", "2"], "B"]


async def test_an_error_is_raised_after_all_have_ended(store: Store):
    """Nothing is left under way by whoever is told of a refusal."""
    task = asyncio.ensure_future(together(refused(), store.ask("b")))
    await begun(task)
    assert not task.done()
    store.answers["b"].set_result("B")
    with pytest.raises(ValueError, match="refused"):
        await task


async def test_errors_can_be_looked_at_beside_results(store: Store):
    """In the order of the steps."""
    task = asyncio.ensure_future(outcomes(store.ask("a"), refused(), store.ask("c")))
    await begun(task)
    store.answers["a"].set_exception(OSError("gone"))
    store.answers["c"].set_result("C")
    first, second, third = await task
    assert [type(first), type(second), third] == [OSError, ValueError, "C"]


async def test_whoever_goes_away_leaves_no_step_behind(store: Store):
    """All of them are cancelled, the one that is waited for and the others."""
    steps = (refused(), store.ask("a"), store.ask("b"), asyncio.sleep(0))
    task = asyncio.ensure_future(outcomes(*steps))
    await begun(task)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert store.answers["a"].cancelled()
    assert store.answers["b"].cancelled()


async def test_a_step_that_only_lets_others_run_is_taken_further():
    """A bare yield is no answer to wait for."""
    assert list(await together(asyncio.sleep(0, "a"), asyncio.sleep(0, "b"))) == ["a", "b"]
