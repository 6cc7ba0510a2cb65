"""Nothing secret reaches a log, whoever writes it and at whatever level."""

import asyncio
import io
import json
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager

import pytest

from ciba_service.log_lines import JsonLines
from ciba_service.telemetry import LogTelemetry
from tests.services.recording_telemetry import RecordingTelemetry
from tests.services.running_service import RunningService
from tests.services.service_fixtures import ServiceRunner
from tests.wire.client import WireClient
from tests.wire.signing import claims_of

LOGGERS = (
    "",
    "ciba_service",
    "uvicorn",
    "uvicorn.error",
    "uvicorn.asgi",
    "redis",
    "websockets",
    "httpcore2",
    "asyncio",
)


class LoggingTelemetry(RecordingTelemetry):
    """The real log, beside the record that the harness keeps."""

    log = LogTelemetry()

    def event(self, name: str, **fields: object) -> None:
        """Log an event."""
        super().event(name, **fields)
        self.log.event(name, **fields)

    def failure(self, name: str, error: BaseException, **fields: object) -> None:
        """Log a failure."""
        super().failure(name, error, **fields)
        self.log.failure(name, error, **fields)


@contextmanager
def everything_logged() -> Iterator[io.StringIO]:
    """All loggers at DEBUG into one text."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(JsonLines())
    loggers = [logging.getLogger(name) for name in LOGGERS]
    before = [(logger, logger.level, logger.propagate, logger.disabled) for logger in loggers]
    logging.getLogger().addHandler(handler)
    for logger in loggers:
        logger.propagate, logger.disabled = True, False
        logger.setLevel(logging.DEBUG)
    try:
        yield text
    finally:
        logging.getLogger().removeHandler(handler)
        for logger, level, propagate, disabled in before:
            logger.propagate, logger.disabled = propagate, disabled
            logger.setLevel(level)


@pytest.fixture
async def logged(
    run_service: ServiceRunner, till: WireClient, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[RunningService, io.StringIO]]:
    """A service that demands codes and logs everything there is."""
    monkeypatch.setattr("tests.services.running_service.RecordingTelemetry", LoggingTelemetry)
    sections = {"policy": {"require_otp": True}}
    with everything_logged() as text:
        async with run_service(clients=[till], sections=sections) as service:
            yield service, text


@pytest.mark.clause("sca-art22-1")
async def test_no_secret_of_a_whole_journey_is_logged(
    logged: tuple[RunningService, io.StringIO], monkeypatch: pytest.MonkeyPatch
):
    """Enrolment, wrong PIN, approval, redemption and replays leave no secret in any log."""
    service, text = logged
    sent: list[str] = []
    assertion = WireClient.assertion
    monkeypatch.setattr(
        WireClient, "assertion", lambda *a, **k: sent.append(made := assertion(*a, **k)) or made
    )
    code = await service.activation_code("alice", "482913")
    phone = service.phone()
    wrong = phone.enrolment(code, second_secret="918273")
    await phone.send_enrolment(wrong)
    await phone.enrol(code, second_secret="482913")
    request = service.till.request_object()
    form = {**service.till.credentials(), "request": request}
    auth_req_id = (await service.till.post("/bc-authorize", form)).json()["auth_req_id"]
    await service.till.post("/bc-authorize", form)
    async with phone.online() as socket:
        offered = socket.first[0]
        codes = [phone.otp(-1), phone.otp()]
        decisions = [
            phone.approval(offered["challenge"], pin=False, otp=codes[0]),
            phone.approval(offered["challenge"], otp=codes[1]),
            "garbage." + phone.approval(offered["challenge"]),
        ]
        assert (await socket.decide(decisions[0]))["type"] == "refused"
        assert (await phone.decide(decisions[1]))["type"] == "accepted"
        await phone.send({"type": "decide", "decision": decisions[2]})
    tokens = (await service.till.poll(auth_req_id)).json()
    assert (await service.till.poll(auth_req_id)).status_code == 400
    handle = await phone.handle()
    for _ in range(2):
        await service.till.start(login_hint=handle, scope="openid")
    bearer = {"authorization": f"Bearer {tokens['access_token']}"}
    for path in ("/userinfo", "/resource/accounts"):
        await service.http.get(path, headers=bearer)
    logs = text.getvalue()
    lines = [json.loads(line) for line in logs.splitlines()]
    assert {"ciba_service", "uvicorn.error"} <= {line["logger"] for line in lines}, [
        (logger.name, logger.level, logger.propagate, logger.handlers)
        for logger in map(logging.getLogger, LOGGERS)
    ]
    events = {line["event"] for line in lines}
    assert {"transaction_redeemed", "decision_accepted", "request_refused"} <= events
    assert len(sent) >= 3
    secrets = [
        auth_req_id,
        request,
        code,
        code.replace("-", ""),
        handle.removeprefix("ciba-handle:"),
        "482913",
        "918273",
        wrong,
        tokens["access_token"],
        tokens["id_token"],
        phone.totp_secret,
        phone.pin_key.hex(),
        offered["challenge"],
        *sent,
        *decisions,
        *codes,
        *(claims_of(decision)["factors"] for decision in decisions[:2]),
    ]
    assert [secret for secret in secrets if secret in logs] == []
    signatures = [secret.rsplit(".", 1)[1] for secret in secrets if secret.count(".") == 2]
    assert [signature for signature in signatures if signature in logs] == []


async def test_a_token_in_a_query_is_not_logged(
    logged: tuple[RunningService, io.StringIO],
):
    """It should not have been there; at least it ends there."""
    service, text = logged
    port = int(service.issuer.rsplit(":", 1)[1])
    for path in ("/userinfo", "/resource/accounts", "/nowhere"):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"GET {path}?access_token=misplaced-token HTTP/1.1\r\nHost: x\r\n\r\n"
        writer.write(head.encode())
        assert (await reader.readline()).startswith(b"HTTP/1.1 40")
        writer.close()
        await writer.wait_closed()
    assert service.telemetry.named("request_refused")
    assert "request_refused" in text.getvalue()
    assert "misplaced-token" not in text.getvalue()
