"""Evidence: what was decided can be shown, proven and erased, and nothing of it changed unseen."""

import json
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ciba_service.cli import main
from ciba_service.protocol.jose.keys import KeySet, parse_verification_key
from ciba_service.protocol.jose.verification import parse_jws
from ciba_service.sca.messages import Factor, transaction_id
from ciba_service.sca.records.evidence import Outcome, Proven, verify_statement
from ciba_service.sca.records.evidence_audit import Audit, AuditReport
from ciba_service.stores.driver.commands import Commands
from ciba_service.stores.driver.connection import connect
from ciba_service.stores.evidence.evidence_files import evidence_files, key_files
from ciba_service.stores.evidence.evidence_reading import erase_keys, find_evidence
from ciba_service.stores.evidence.evidence_seals import EvidenceSeals, SealedEvidence
from ciba_service.stores.keys import evidence_key
from ciba_service.stores.sealing import Sealer, SealingError
from ciba_service.stores.service_keys.key_files import load_keys
from ciba_service.stores.service_keys.key_rotation import rotate_keys
from tests.redis.servers import redis_server
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.services.service_process import Installation, installation
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone
from tests.wire.resource import PAYMENT
from tests.wire.signing import claims_of

VERIFIED = Proven(by_phone=True, by_service=True, linked=True)


async def written(service: RunningService) -> Path:
    """Wait until everything is in files and signed; where they are."""
    directory = service.settings.evidence_directory
    while await service.service.stores.evidence.waiting() or not is_signed(directory):
        service.clock.advance(2)
    return directory


def is_signed(directory: Path) -> bool:
    """Whether a checkpoint stands at the end."""
    files = evidence_files(directory)
    return bool(files) and b'{"checkpoint"' in files[-1].read_bytes().splitlines()[-1]


@pytest.fixture
async def service(run_service: ServiceRunner, till: WireClient) -> AsyncIterator[RunningService]:
    """A service that signs whenever it wrote."""
    sections = {"evidence": {"checkpoint_records": 1}}
    async with run_service(clients=[till], sections=sections) as running:
        yield running
        assert running.telemetry.failures == []


async def audited(service: RunningService, directory: Path) -> AuditReport:
    """Verify all files with the public keys, up to where the store says that the chains go."""
    audit = Audit(
        KeySet(map(parse_verification_key, load_keys(service.keys.directory).evidence_jwks))
    )
    for path in evidence_files(directory):
        audit.read(path.name, path.read_bytes().splitlines(keepends=True))
    return audit.conclude(await service.service.stores.evidence.heads())


def seals(service: RunningService) -> EvidenceSeals:
    """What the operator opens statements with."""
    return EvidenceSeals(Sealer(service.keys.ring, bytes))


def record_of(directory: Path, auth_req_id: str) -> SealedEvidence:
    """The record of a request."""
    found = find_evidence(directory, transaction_id(auth_req_id))
    assert found is not None
    return found.record


async def test_an_approval_leaves_evidence_that_verifies(service: RunningService, phone: WirePhone):
    """Challenge and decision to the letter, the phone's key, and what was found right."""
    auth_req_id = await service.till.started(authorization_details=[PAYMENT])
    (challenge,) = await phone.fetch()
    decision = phone.approval(challenge)
    assert (await phone.decide(decision))["type"] == "accepted"
    assert (await phone.decide(decision))["type"] == "accepted"
    directory = await written(service)
    found = find_evidence(directory, transaction_id(auth_req_id))
    assert found is not None
    assert found.key is not None
    facts, statement = found.record.facts, seals(service).open(found.record, found.key)
    assert (facts.outcome, facts.client_id) == (Outcome.APPROVED, "till")
    assert facts.verified == (Factor.DEVICE_KEY, Factor.PIN)
    assert (facts.acr, facts.amr) == ("urn:openbanking:psd2:sca", ("pop", "pin", "mfa"))
    assert (statement.challenge, statement.decision) == (challenge, decision)
    assert (statement.subject, statement.device_id) == ("alice", phone.device_id)
    keys = KeySet(map(parse_verification_key, service.keys.all_challenge_jwks))
    assert verify_statement(facts, statement, challenge_keys=keys) == VERIFIED
    report = await audited(service, directory)
    assert (report.records, report.checkpoints, report.unsigned) == (1, 1, 0)
    assert report.findings == ()


async def test_a_denial_and_a_lock_leave_evidence(service: RunningService, phone: WirePhone):
    """Who declined and why; and the wrong proof that locked, whose factors stay closed."""
    denied = await service.till.started()
    (challenge,) = await phone.fetch()
    await phone.decide(phone.denial(challenge, reason="declined"))
    locked = await service.till.started()
    (challenge,) = await phone.fetch()
    for _ in range(5):
        decision = phone.approval(challenge, pin=False)
        assert (await phone.decide(decision))["reason"] == "factors"
    directory = await written(service)
    facts = record_of(directory, denied).facts
    assert (facts.outcome, facts.reason, facts.acr) == (Outcome.DENIED, "declined", None)
    facts = record_of(directory, locked).facts
    assert (facts.outcome, facts.verified) == (Outcome.LOCKED, (Factor.DEVICE_KEY,))
    report = await audited(service, directory)
    assert (report.records, report.findings) == (2, ())


@pytest.mark.clause("fapi2-ms-7-1")
async def test_nothing_personal_stands_in_clear(service: RunningService, phone: WirePhone):
    """Not whose it is, on which phone, for what; and no proof at all, even when it is opened."""
    auth_req_id = await service.till.started(authorization_details=[PAYMENT])
    (challenge,) = await phone.fetch()
    decision = phone.approval(challenge, otp=phone.otp())
    await phone.decide(decision)
    directory = await written(service)
    held = b"".join(path.read_bytes() for path in directory.iterdir())
    personal = ("alice", phone.device_id, challenge, decision, challenge.split(".")[1][:80])
    assert [each for each in personal if each.encode() in held] == []
    record = record_of(directory, auth_req_id)
    assert record.user not in {"alice", phone.device_id[:22]}
    found = find_evidence(directory, transaction_id(auth_req_id))
    assert found is not None
    assert found.key is not None
    opened = repr(claims_of(seals(service).open(record, found.key).decision))
    assert phone.otp() not in opened


async def test_a_person_is_erased_and_the_chain_still_verifies(
    service: RunningService, phone: WirePhone
):
    """The keys are forgotten; nobody opens the statements any more, and others' are untouched."""
    bob = await service.enrolled_phone("bob")
    of_alice = await service.till.started()
    await phone.approve_next()
    of_bob = await service.till.started(login_hint="bob")
    await bob.approve_next()
    directory = await written(service)
    assert erase_keys(directory, seals(service).tag("alice")) == 1
    assert erase_keys(directory, seals(service).tag("alice")) == 0
    erased = find_evidence(directory, transaction_id(of_alice))
    kept = find_evidence(directory, transaction_id(of_bob))
    assert erased is not None
    assert erased.key is None
    assert kept is not None
    assert kept.key is not None
    assert seals(service).open(kept.record, kept.key).subject == "bob"
    with pytest.raises(SealingError):
        seals(service).open(erased.record, kept.key)
    assert (await audited(service, directory)).findings == ()
    await service.till.started()
    await phone.approve_next()
    directory = await written(service)
    assert (await audited(service, directory)).records == 3


async def test_checkpoints_verify_across_a_change_of_key(
    service: RunningService, till: WireClient, phone: WirePhone
):
    """What the old key signed and what the new one signs, by the keys that are there then."""
    for _ in range(2):
        await till.started()
        await phone.approve_next()
        directory = await written(service)
        await rotate_evidence_key(service)
    signed_by = {
        parse_jws(json.loads(line)["checkpoint"]).header.kid
        for path in evidence_files(directory)
        for line in path.read_bytes().splitlines()
        if line.startswith(b'{"checkpoint"')
    }
    assert len(signed_by) == 2
    report = await audited(service, directory)
    assert (report.records, report.findings) == (2, ())


async def rotate_evidence_key(service: RunningService) -> None:
    """Both halves of it, and the service has seen the file."""
    for now in (0, 3_600_000):
        rotate_keys(
            service.keys.directory,
            purpose="evidence",
            token_keys_kept=1,
            random=secrets.token_bytes,
            now=now,
            at_once=True,
        )
    assert await service.service.keys.refresh()


async def test_without_evidence_nothing_is_kept(run_service: ServiceRunner, till: WireClient):
    """Who switches it off gets neither queue nor files."""
    async with run_service(clients=[till], sections={"evidence": {"enabled": False}}) as service:
        phone = await service.enrolled_phone()
        for decide in (phone.approval, phone.denial):
            await till.started()
            (challenge,) = await phone.fetch()
            await phone.decide(decide(challenge))
        await till.started()
        (challenge,) = await phone.fetch()
        for _ in range(5):
            await phone.decide(phone.approval(challenge, pin=False))
        assert await service.service.stores.evidence.waiting() == 0
        assert list(service.settings.evidence_directory.iterdir()) == []


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Installation]:
    """An installation that signs each record at once."""
    async with installation(tmp_path) as place:
        place.configure(evidence={"checkpoint_records": 1})
        yield place


async def test_operators_and_auditors_at_the_command_line(
    place: Installation, capsys: pytest.CaptureFixture[str]
):
    """Show, verify with the public keys alone, erase; one changed byte is named."""
    serving = await place.serve()
    made = (await place.command("users", "activate", "alice", "--json")).json()
    phone = await place.phone().enrol(made["activation_code"], second_secret=made["second_secret"])
    name = transaction_id(await place.till.started(authorization_details=[PAYMENT]))
    await phone.approve_next()
    while not (shown := await place.command("evidence", "show", name, "--json")).out:
        assert shown.status == 1
    told = shown.json()
    assert told["facts"]["outcome"] == "approved"
    assert told["statement"]["proven"] == {"by_phone": True, "by_service": True, "linked": True}
    assert told["statement"]["subject"] == "alice"
    config = ["--config", str(place.config)]
    assert main(["evidence", "jwks", *config]) == 0
    jwks = place.directory / "keys.jwks"
    jwks.write_text(capsys.readouterr().out)
    (file,) = evidence_files(place.data / "evidence")
    verify = ["evidence", "verify", str(file), "--jwks", str(jwks)]
    while (await place.run("ciba-service", *verify)).status != 0:
        pass
    assert await serving.terminate() == 0
    assert main(verify) == 0
    assert capsys.readouterr().out.startswith("1 records, 1 checkpoints;")
    assert main([*verify, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["findings"] == []
    assert "signed by phone       yes" in (await place.command("evidence", "show", name)).out
    assert main(["evidence", "erase", "--user", "alice", *config]) == 0
    assert capsys.readouterr().out == "1 statements of alice cannot be opened any more\n"
    assert main(["evidence", "erase", "--user", "alice", "--json", *config]) == 0
    assert json.loads(capsys.readouterr().out) == {"erased": 0}
    assert "its key was erased" in (await place.command("evidence", "show", name)).out
    assert [path.read_bytes() for path in key_files(place.data / "evidence")] == [b""]
    assert main(verify) == 0
    file.write_bytes(file.read_bytes().replace(b"approved", b"Approved"))
    capsys.readouterr()
    assert main(verify) == 1
    said = capsys.readouterr()
    assert f"{file}:1: record 1 of partition" in said.out
    assert "the evidence does not verify" in said.err
    unknown = await place.command("evidence", "show", "A" * 22)
    assert (unknown.status, "there is no evidence of" in unknown.err) == (1, True)


async def test_check_says_that_evidence_waits(place: Installation):
    """Nobody writes it, and whoever looks after the service learns of it."""
    with redis_server() as target:
        env = {"CIBA_STORE__URL": f"redis://127.0.0.1:{target.addresses[0].port}"}
        good = await place.command("check", env=env)
        assert (good.status, "evidence" in good.err) == (0, False)
        commands = Commands(connect(target))
        await commands.call("RPUSH", evidence_key(255), *[b"record"] * 257)
        await commands.aclose()
        warned = await place.command("check", env=env)
    assert warned.status == 0
    assert "warning: 257 records of evidence wait to be written" in warned.err


@pytest.mark.parametrize("content", [None, "nothing", "{}"])
def test_keys_that_are_none_are_a_mistake(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: str | None
):
    """Status 2 says that nothing was verified."""
    jwks = tmp_path / "jwks"
    if content is not None:
        jwks.write_text(content)
    assert main(["evidence", "verify", str(jwks), "--jwks", str(jwks)]) == 2
    assert str(jwks) in capsys.readouterr().err


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """And not evidence that is wrong."""
    jwks = tmp_path / "jwks"
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    jwks.write_text(json.dumps({"keys": [jwk]}))
    assert main(["evidence", "verify", str(tmp_path / "gone"), "--jwks", str(jwks)]) == 2
    assert "gone cannot be read" in capsys.readouterr().err


def test_a_file_of_keys_is_a_mistake(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """``*.jsonl`` names the keys of personal parts, too: that is no evidence that is wrong."""
    keys = tmp_path / "keys-0123456789abcdef-00000001.jsonl"
    keys.touch()
    assert main(["evidence", "verify", str(keys), "--jwks", str(tmp_path / "jwks")]) == 2
    assert "has keys of personal parts, no evidence: leave it out" in capsys.readouterr().err
