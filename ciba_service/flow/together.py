"""Steps that go on at the same time within one task.

A task for each, as ``asyncio.gather`` makes, costs as much as a command of the store does. Here
each step runs up to its first wait, in order, so that their commands share a round trip; then the
answers are taken one after the other.
"""

from collections.abc import Coroutine, Generator, Sequence
from typing import Any, TypeVar, overload

__all__ = ["outcomes", "together"]

_A = TypeVar("_A")
_B = TypeVar("_B")
_C = TypeVar("_C")
_D = TypeVar("_D")
_Step = Coroutine[Any, Any, Any]


class _Begun:
    """A step that has run up to its first wait; awaited, it goes on from there to its end."""

    __slots__ = ("_awaited", "_ended", "_step")

    def __init__(self, step: _Step) -> None:
        self._step = step
        self._ended: tuple[object] | None = None
        self._awaited: Any = None
        self._advance(None)

    def __await__(self) -> Generator[Any, None, object]:
        """What it returned, or the error it raised."""
        while self._ended is None:
            interruption = None
            if self._awaited is None or not self._awaited.done():
                try:
                    yield self._awaited
                except BaseException as thrown:  # noqa: BLE001 - it belongs to the step
                    interruption = thrown
            self._advance(interruption)
        return self._ended[0]

    def leave(self) -> None:
        """Whoever waited for it has gone."""
        if self._ended is None:
            if self._awaited is not None:
                self._awaited.cancel()
            self._step.close()

    def _advance(self, interruption: BaseException | None) -> None:
        step = self._step
        try:
            self._awaited = step.send(None) if interruption is None else step.throw(interruption)
        except StopIteration as end:
            self._ended = (end.value,)
        except Exception as error:  # noqa: BLE001 - one of the outcomes
            self._ended = (error,)


async def outcomes(*steps: _Step) -> Sequence[Any]:
    """What each of them returned, or the error it raised, once all have ended.

    A step must not enter a timeout of its own before its first wait: it would end another's.
    """
    begun = [_Begun(step) for step in steps]
    try:
        return [await each for each in begun]
    except BaseException:
        for each in begun:
            each.leave()
        raise


@overload
async def together(a: Coroutine[Any, Any, _A], b: Coroutine[Any, Any, _B], /) -> tuple[_A, _B]: ...
@overload
async def together(
    a: Coroutine[Any, Any, _A], b: Coroutine[Any, Any, _B], c: Coroutine[Any, Any, _C], /
) -> tuple[_A, _B, _C]: ...
@overload
async def together(
    a: Coroutine[Any, Any, _A],
    b: Coroutine[Any, Any, _B],
    c: Coroutine[Any, Any, _C],
    d: Coroutine[Any, Any, _D],
    /,
) -> tuple[_A, _B, _C, _D]: ...
async def together(*steps: _Step) -> Sequence[Any]:
    """What each returned; once all have ended, the first error of one is raised instead."""
    ended = await outcomes(*steps)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome
    return ended
