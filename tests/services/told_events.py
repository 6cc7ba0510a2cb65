"""What a running service has told of, where its log has the security events."""

from typing import Any

from tests.services.running_service import RunningService

__all__ = ["told"]


async def told(service: RunningService, *kinds: str) -> list[dict[str, Any]]:
    """The events so far without their names, of some kinds only where these are given."""
    await service.service.events.flush()
    lines = [dict(line.fields) for line in service.telemetry.named("security_event")]
    for line in lines:
        del line["id"], line["severity"]
    return [line for line in lines if not kinds or line["kind"] in kinds]
