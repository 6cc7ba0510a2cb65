"""Operators see whom a user has blocked, and lift it."""

from pathlib import Path

from tests.services.service_process import installation


async def test_a_block_is_listed_and_lifted(tmp_path: Path):
    """While the service runs; the client may ask again at once."""
    async with installation(tmp_path) as place:
        place.configure(users=({"sub": "alice"},), limits={"not_me_block": 3600})
        service = await place.serve()
        made = (await place.command("users", "activate", "alice", "--json")).json()
        phone = await place.phone().enrol(
            made["activation_code"], second_secret=made["second_secret"]
        )
        await place.till.started()
        async with phone.online() as socket:
            (offered,) = [each for each in socket.first if each["type"] == "challenge"]
            await socket.decide(phone.denial(offered["challenge"], reason="not_me"))
            await socket.next("withdrawn")
        shown = (await place.command("users", "show", "alice", "--json")).json()
        (blocked,) = shown.pop("blocked_clients")
        assert shown == {
            "sub": "alice", "enabled": True, "phones": 1, "failed_attempts": 0, "locked": False,
        }  # fmt: skip
        assert (blocked["client_id"], blocked["until"] is None) == ("till", False)
        assert (await place.till.start()).json()["error"] == "unknown_user_id"
        told = await place.command("users", "show", "alice")
        assert told.out.splitlines()[-1].split()[0] == "till"
        lifted = await place.command("users", "unblock", "alice", "--client", "till")
        assert (lifted.status, lifted.out) == (0, "till may ask alice again\n")
        assert "none" in (await place.command("users", "show", "alice")).out
        await place.till.started()
        assert await service.terminate() == 0
