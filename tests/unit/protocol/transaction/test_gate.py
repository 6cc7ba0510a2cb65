"""The account gate: every step in every state of user, device, client and consent."""

import itertools

import pytest

from ciba_service.protocol.transaction.gate import (
    Accounts,
    AccountState,
    ClientState,
    ConsentState,
    DeviceState,
    Step,
    UserState,
    is_open,
)

COLUMNS: tuple[AccountState, ...] = (
    UserState.ACTIVE,
    UserState.LOCKED,
    UserState.DISABLED,
    DeviceState.ACTIVE,
    DeviceState.REVOKED,
    ClientState.ENABLED,
    ClientState.DISABLED,
    ConsentState.ASKED,
    ConsentState.GIVEN,
    ConsentState.WITHDRAWN,
)
# In the order of the columns: + goes on, - does not.
TABLE = {
    Step.IDENTIFY: "+-- +- +- ++-",
    Step.INITIATE: "+-- +- +- ++-",
    Step.NOTIFY: "++- +- +- ++-",
    Step.APPROVE: "+-- +- +- ++-",
    Step.CALLBACK: "+++ ++ +- +++",
    Step.REDEEM: "++- +- +- -+-",
    Step.REFRESH: "++- +- +- -+-",
    Step.INTROSPECT: "++- +- +- -+-",
    Step.USERINFO: "++- +- +- -+-",
    Step.RESOURCE: "++- +- +- -+-",
}


def cell(step: Step, state: AccountState) -> bool:
    """What the table says of one state."""
    return TABLE[step].replace(" ", "")[COLUMNS.index(state)] == "+"


def test_the_table_has_every_step_and_every_state():
    """A step or a state that is added needs its cells."""
    assert set(TABLE) == set(Step)
    assert set(COLUMNS) == {*UserState, *DeviceState, *ClientState, *ConsentState}
    assert {len(row.replace(" ", "")) for row in TABLE.values()} == {len(COLUMNS)}


@pytest.mark.parametrize("step", Step)
def test_a_step_goes_on_only_past_open_accounts(step: Step):
    """Every cell of the matrix: one closed account closes the step, whatever the others are."""
    for user, device, client, consent in itertools.product(
        UserState, DeviceState, ClientState, ConsentState
    ):
        accounts = Accounts(user=user, device=device, client=client, consent=consent)
        expected = all(cell(step, state) for state in (user, device, client, consent))
        assert is_open(step, accounts) is expected, accounts
