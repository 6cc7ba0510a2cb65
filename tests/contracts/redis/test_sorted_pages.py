"""A long sorted set is read on from where the last look ended, whatever changed in between."""

from collections.abc import Sequence

from ciba_service.clock import SystemClock
from ciba_service.stores.driver.commands import Argument, Commands
from ciba_service.stores.operations import Operations
from ciba_service.stores.sorted_pages import members_after

KEY = "sorted"
MANY = 600


class Shrinking(Operations):
    """Operations after whose first look the first member is gone, or others."""

    going: Sequence[bytes] = (b"0000",)

    async def call(self, name: str, *arguments: Argument) -> object:
        """Answer, then remove."""
        answer = await super().call(name, *arguments)
        await super().call("ZREM", KEY, *self.going)
        return answer


async def filled(commands: Commands, *, apart: bool) -> list[tuple[int, bytes]]:
    """A set of many, all of one score unless they are ``apart``."""
    await commands.call("DEL", KEY)
    members = [(number if apart else 5, b"%04d" % number) for number in range(MANY)]
    await commands.call("ZADD", KEY, *(part for member in members for part in member))
    await commands.call("EXPIRE", KEY, 60)
    return members


async def test_what_goes_meanwhile_takes_no_other_along(commands: Commands):
    """Each is told that was there from the beginning to the end."""
    operations = Shrinking(commands, clock=SystemClock(), deadline_ms=5_000)
    members = await filled(commands, apart=True)
    assert await members_after(operations, KEY, None, limit=MANY) == members


async def test_of_one_score_none_takes_another_along_either(commands: Commands):
    """Though only those that were told before tell where to read on."""
    operations = Shrinking(commands, clock=SystemClock(), deadline_ms=5_000)
    members = await filled(commands, apart=False)
    operations.going = [member for _, member in members[:100]]
    rest = await members_after(operations, KEY, members[299], limit=MANY)
    assert rest == members[300:]


async def test_many_of_one_score_are_told_once_each(commands: Commands):
    """Though a look sees none but those that were told before."""
    operations = Operations(commands, clock=SystemClock(), deadline_ms=5_000)
    members = await filled(commands, apart=False)
    assert await members_after(operations, KEY, None, limit=MANY + 1) == members
    for at in (10, 300, 598, 599):
        assert await members_after(operations, KEY, members[at], limit=7) == members[at + 1 :][:7]
    tens = [member for member in members if member[1].startswith(b"03")]
    assert await members_after(operations, KEY, members[0], limit=50, prefix=b"03") == tens[:50]
