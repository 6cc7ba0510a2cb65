"""What ``serve`` has in memory before anything is configured: nothing that is not used by all."""

import subprocess
import sys

NEEDED_BY_SOME = frozenset(
    {
        "OpenSSL",  # a listener that asks for client certificates
        "ciba_service.wiring.doors.operator_door",  # operators
        "httpcore2",  # callbacks, key sets, wake-ups, events: whoever asks others
        "jsonschema_rs",  # declared types of authorization details, once one is used
        "opentelemetry.trace",  # tracing
        "prometheus_client",  # metrics
        "PIL",  # commands that print a link, for its QR code
        "qrcode",
        "webauthn",  # passkeys, once there is one
    }
)


def test_what_few_services_need_is_not_loaded_by_all():
    """Each of these takes a megabyte or more, and all of them a quarter of the whole process."""
    program = "import sys, ciba_service.cli; print(*sys.modules)"
    loaded = subprocess.run(  # noqa: S603 - our own interpreter
        [sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=60
    )
    modules = set(loaded.stdout.split())
    assert "ciba_service.commands.serving.serve" in modules
    assert not modules & NEEDED_BY_SOME
