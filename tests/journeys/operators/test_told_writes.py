"""What operators do, and who is not one, is told as security events."""

from ciba_service.sca.phones.devices import user_tag
from tests.services.running_service import RunningService
from tests.services.told_events import told
from tests.wire.operator import WRITER, Operators
from tests.wire.phone import WirePhone
from tests.wire.registration import registered


async def test_every_write_is_told_with_what_became_of_it(
    service: RunningService, operators: Operators, phone: WirePhone
):
    """Who, what, on whom; also what was refused."""
    client, _ = await registered(service)
    await operators.ask("POST", "/users/alice/unlock")
    await operators.ask("DELETE", f"/devices/{phone.device_id}")
    await operators.ask("DELETE", f"/clients/{client.client_id}")
    await operators.ask("DELETE", "/clients/till")
    alice, writes = user_tag("alice"), await told(service, "operator_wrote")
    assert {(line.pop("kind"), line.pop("operator")) for line in writes} == {
        ("operator_wrote", WRITER)
    }
    assert writes == [
        {"action": "users unlock", "user": alice},
        {"action": "devices revoke", "device_id": phone.device_id},
        {"action": "clients remove", "client_id": client.client_id},
        {"action": "clients remove", "client_id": "till", "outcome": "refused"},
    ]
    (revoked,) = await told(service, "phone_revoked")
    assert (revoked["by"], revoked["user"]) == ("operator", alice)
    (removed,) = await told(service, "client_removed")
    assert (removed["by"], removed["client_id"]) == ("operator", client.client_id)


async def test_whoever_is_no_operator_is_told_of(service: RunningService, operators: Operators):
    """With the address, and without what was presented."""
    headers = {"Authorization": "Bearer guessed"}
    await operators.ask("GET", "/users", by=None, headers=headers)
    assert await told(service) == [{"kind": "operator_authentication_failed", "peer": "127.0.0.1"}]
