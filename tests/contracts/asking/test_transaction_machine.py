"""Any sequence of events on the real store does what the table in Python does, and no more."""

import asyncio
import itertools
import random

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ciba_service.ports import PollStatus, Swap, SwapResult
from ciba_service.protocol.transaction.polling import Throttle, poll
from ciba_service.protocol.transaction.state import (
    Deadlines,
    Event,
    IllegalTransition,
    State,
    advance,
    effective_state,
    redeemable_until,
)
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.driver.target import RedisTarget
from ciba_service.stores.keys import grant_key
from tests.contracts.store_builders import (
    CLIENT,
    START,
    new_transaction,
    stores_over,
    swap_of,
    transaction_name,
)

_LIFETIMES = st.sampled_from([10_000, 60_000, 180_000])
_PAUSES = st.sampled_from([0, 1, 999, 3_999, 4_000, 9_000, 30_000, 59_999, 60_000, 180_000])
_NAMES = itertools.count(1)


class TransactionMachine(RuleBasedStateMachine):
    """One transaction on the real store beside the same one in Python."""

    target: RedisTarget

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.commands = Commands(connect(self.target))
        self.stores = stores_over(self.commands)
        self.name = transaction_name(next(_NAMES) % 65_536)
        self.now = START
        self.state = State.PENDING
        self.deadlines = Deadlines(0)
        self.throttle = Throttle(5_000)
        self.winners: list[Swap] = []
        self.operations = itertools.count(1)
        self.has_been_expired = False

    @initialize(lifetime=_LIFETIMES)
    def create(self, lifetime: int) -> None:
        """Store it."""
        new = new_transaction(self.name, expires_at=START + lifetime)
        self.deadlines = Deadlines(new.expires_at)
        self.runner.run(self.commands.call("DEL", grant_key(self.name)))
        self.runner.run(self.stores.transactions.create(new, operation=f"create {self.name}"))

    @rule(pause=_PAUSES)
    def time_passes(self, pause: int) -> None:
        """Let time pass."""
        self.now += pause

    @rule(event=st.sampled_from(Event))
    def let_happen(self, event: Event) -> None:
        """A new operation wants an event; store and table agree whether it happens."""
        swap = swap_of(
            event, f"operation {next(self.operations)}", now=self.now, transaction_id=self.name
        )
        result = self.runner.run(self.stores.transactions.swap(swap))
        try:
            self.state = advance(self.state, event, self.deadlines, self.now)
        except IllegalTransition as refusal:
            expected = SwapResult(won=False, state=refusal.state)
        else:
            expected = SwapResult(won=True, state=self.state)
        assert result == expected
        if not expected.won:
            return
        self.winners.append(swap)
        if event is Event.APPROVE:
            until = redeemable_until(expires_at=self.deadlines.expires_at, approved_at=self.now)
            self.deadlines = Deadlines(self.deadlines.expires_at, until)

    @precondition(lambda self: self.winners)
    @rule(choice=st.randoms(use_true_random=False))
    def repeat_a_winner(self, choice: random.Random) -> None:
        """An operation that won wins again whenever it comes back, and changes nothing."""
        swap = choice.choice(self.winners)
        result = self.runner.run(self.stores.transactions.swap(swap))
        assert result == SwapResult(won=True, state=self.state)

    @rule()
    def poll(self) -> None:
        """The client polls; store and rule agree on the answer."""
        operation = f"operation {next(self.operations)}"
        reply = self.runner.run(
            self.stores.transactions.poll(
                self.name, client_id=CLIENT, operation=operation, now=self.now
            )
        )
        state = effective_state(self.state, self.deadlines, self.now)
        if state is not State.PENDING:
            assert reply.status is PollStatus.SETTLED
            assert reply.transaction is not None
            assert reply.transaction.state is state
            return
        too_early, self.throttle = poll(self.throttle, self.now)
        assert reply.status is (PollStatus.SLOW_DOWN if too_early else PollStatus.PENDING)

    @invariant()
    def the_store_agrees(self) -> None:
        """The store shows what the model knows, and expired stays expired."""
        found = self.runner.run(self.stores.transactions.read(self.name, now=self.now))
        if not self.deadlines.expires_at:
            return
        assert found is not None
        assert found.state is effective_state(self.state, self.deadlines, self.now)
        if self.has_been_expired:
            assert found.state is State.EXPIRED
        self.has_been_expired = found.state is State.EXPIRED

    @invariant()
    def nothing_happens_twice(self) -> None:
        """At most one decision and one redemption; none is redeemed that was not approved."""
        happened = [swap.event for swap in self.winners]
        assert sum(event in {Event.APPROVE, Event.DENY} for event in happened) <= 1
        assert happened.count(Event.REDEEM) <= 1
        if Event.REDEEM in happened:
            assert happened.index(Event.APPROVE) < happened.index(Event.REDEEM)
        granted = self.runner.run(self.commands.call("EXISTS", grant_key(self.name)))
        assert bool(granted) == (Event.REDEEM in happened)

    def teardown(self) -> None:
        """Close the connection."""
        self.runner.run(self.commands.aclose())
        self.runner.close()


def test_any_sequence_of_events_follows_the_table(redis_target: RedisTarget):
    """No two redemptions, no tokens without approval, no decision overwritten, none revived."""
    machine = type("Machine", (TransactionMachine,), {"target": redis_target})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=25,
            stateful_step_count=25,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
