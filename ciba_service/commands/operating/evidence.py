"""``ciba-service evidence``: verify files, show what one decision stands on, erase a person."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from ciba_service.commands.opening import existing_keys, open_stores, system_surroundings
from ciba_service.commands.operating.operator_write import tell_operator_write
from ciba_service.commands.outcome import CommandFailed, CommandMisused, reason
from ciba_service.protocol.instants import moment
from ciba_service.protocol.jose.encoding import MalformedEncodingError, parse_json_object
from ciba_service.protocol.jose.keys import InvalidKeyError, KeySet, parse_verification_key
from ciba_service.protocol.jose.verification import parse_jws
from ciba_service.sca.messages import Challenge
from ciba_service.sca.records.evidence import EvidenceFacts, Proven, verify_statement
from ciba_service.sca.records.evidence_audit import Audit, AuditReport
from ciba_service.settings import Settings
from ciba_service.stores.evidence.evidence_files import is_key_file
from ciba_service.stores.evidence.evidence_reading import FoundEvidence, erase_keys, find_evidence
from ciba_service.stores.evidence.evidence_seals import EvidenceSeals
from ciba_service.stores.sealing import Sealer, SealingError
from ciba_service.stores.service_keys.key_files import FileKeys

__all__ = ["erase", "public_keys", "show", "verify"]

_MOST_FINDINGS: Final = 100


class _Statement(msgspec.Struct, frozen=True):
    subject: str
    device_id: str
    device_key: dict[str, str]
    challenge: str
    decision: str
    shown: Challenge
    proven: Proven


class _Shown(msgspec.Struct, frozen=True):
    file: str
    partition: int
    number: int
    facts: EvidenceFacts
    statement: _Statement | None


@dataclass(frozen=True, slots=True)
class _Closed:
    """Why a statement cannot be read."""

    text: str


def verify(files: Sequence[Path], jwks: Path, *, as_json: bool) -> None:
    """Verify files offline.

    Raises:
        CommandFailed: when anything is wrong with them.
        CommandMisused: when a file cannot be read, or is none of evidence.
    """
    for path in filter(is_key_file, files):
        raise CommandMisused(f"{path} has keys of personal parts, no evidence: leave it out")
    audit = Audit(_key_set(jwks))
    try:
        for path in files:
            with path.open("rb") as lines:
                audit.read(str(path), lines)
    except OSError as error:
        raise CommandMisused(f"{error.filename} cannot be read: {reason(error)}") from error
    _print_report(audit.conclude(), as_json=as_json)


async def show(settings: Settings, transaction_id: str, *, as_json: bool) -> None:
    """Print the evidence of one decision, opened and verified; raises ``CommandFailed``."""
    keys = existing_keys(settings)
    found = _find(settings, transaction_id)
    if found is None:
        waits = await _waiting(settings)
        raise CommandFailed(
            f"there is no evidence of {transaction_id} in {settings.evidence_directory}"
            + (f"; {waits} records wait to be written" if waits else "")
        )
    opened = _opened(found, keys)
    statement = None if isinstance(opened, _Closed) else opened
    shown = _Shown(found.file, found.partition, found.number, found.record.facts, statement)
    if as_json:
        sys.stdout.write(msgspec.json.encode(shown).decode() + "\n")
    else:
        _print(shown, opened.text if isinstance(opened, _Closed) else "")


def erase(settings: Settings, subject: str, *, as_json: bool) -> None:
    """Forget the keys of a user's statements; raises ``CommandFailed``."""
    seals = _seals(existing_keys(settings))
    try:
        erased = erase_keys(settings.evidence_directory, seals.tag(subject))
    except OSError as error:
        raise CommandFailed(f"{settings.evidence_directory}: {reason(error)}") from error
    tell_operator_write(settings, "evidence erase")
    if as_json:
        sys.stdout.write(msgspec.json.encode({"erased": erased}).decode() + "\n")
    else:
        sys.stdout.write(f"{erased} statements of {subject} cannot be opened any more\n")


def public_keys(settings: Settings) -> None:
    """Print the JWK set that checkpoints are verified with; raises ``CommandFailed``."""
    keys = existing_keys(settings)
    sys.stdout.write(msgspec.json.encode({"keys": keys.evidence_jwks}).decode() + "\n")


def _key_set(path: Path) -> KeySet:
    try:
        return KeySet.parse(parse_json_object(path.read_bytes()))
    except OSError as error:
        raise CommandMisused(f"{path} cannot be read: {reason(error)}") from error
    except (InvalidKeyError, MalformedEncodingError) as error:
        raise CommandMisused(f"{path} is no JWK set: {error}") from error


def _print_report(report: AuditReport, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(msgspec.json.encode(report).decode() + "\n")
    else:
        for finding in report.findings[:_MOST_FINDINGS]:
            sys.stdout.write(f"{finding.place}: {finding.text}\n")
        sys.stdout.write(
            f"{report.records} records, {report.checkpoints} checkpoints; after the last one "
            f"{report.unsigned} records that are not signed yet\n"
        )
    if report.findings:
        raise CommandFailed(f"the evidence does not verify: {len(report.findings)} findings")


def _find(settings: Settings, transaction_id: str) -> FoundEvidence | None:
    try:
        return find_evidence(settings.evidence_directory, transaction_id)
    except OSError as error:
        raise CommandFailed(f"{settings.evidence_directory}: {reason(error)}") from error


async def _waiting(settings: Settings) -> int:
    async with open_stores(settings) as stores:
        return await stores.evidence.waiting()


def _opened(found: FoundEvidence, keys: FileKeys) -> _Statement | _Closed:
    if found.key is None:
        return _Closed("its key was erased")
    try:
        statement = _seals(keys).open(found.record, found.key)
    except SealingError as error:
        return _Closed(str(error))
    known = KeySet(map(parse_verification_key, keys.all_challenge_jwks))
    return _Statement(
        **msgspec.structs.asdict(statement),
        shown=_challenge(statement.challenge),
        proven=verify_statement(found.record.facts, statement, challenge_keys=known),
    )


def _seals(keys: FileKeys) -> EvidenceSeals:
    return EvidenceSeals(Sealer(keys.ring, system_surroundings().random))


def _challenge(challenge: str) -> Challenge:
    return msgspec.json.decode(parse_jws(challenge).payload, type=Challenge)


def _print(shown: _Shown, closed: str) -> None:
    facts = shown.facts
    rows = {
        "stands in": f"{shown.file}, record {shown.number} of partition {shown.partition}",
        "transaction": facts.transaction_id,
        "client": facts.client_id,
        "outcome": facts.outcome + (f" ({facts.reason})" if facts.reason else ""),
        "decided at": moment(facts.at).isoformat(timespec="milliseconds"),
        "verified": " ".join(facts.verified),
        "acr": facts.acr or "",
        "amr": " ".join(facts.amr),
        **(_opened_rows(shown.statement) if shown.statement else {"statement": closed}),
    }
    for name, value in rows.items():
        if value:
            sys.stdout.write(f"{name:20}  {value}\n")


def _opened_rows(statement: _Statement) -> dict[str, str]:
    display, proven = statement.shown.display, statement.proven
    shown = {
        "shown title": display.title,
        "shown amount": display.amount or "",
        "shown payee": display.payee or "",
        "shown account": display.payee_account or "",
    }
    return {
        "user": statement.subject,
        "phone": statement.device_id,
        **shown,
        "signed by phone": _word(holds=proven.by_phone),
        "about this challenge": _word(holds=proven.linked),
        "challenge is ours": _word(holds=proven.by_service),
    }


def _word(*, holds: bool | None) -> str:
    return "not known: the key was dropped" if holds is None else "yes" if holds else "NO"
