"""The certification tests' look at a listener's TLS, through ``openssl s_client``."""

import asyncio
import re
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from urllib.parse import urlsplit

HANDSHAKE_FAILURE, PROTOCOL_VERSION = 40, 70
PERMITTED = ("ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384")
WITH_WARNING = ("DHE-RSA-AES128-GCM-SHA256", "DHE-RSA-AES256-GCM-SHA384")
_OTHERS = f"ALL:COMPLEMENTOFALL:!{':!'.join(PERMITTED + WITH_WARNING)}:@SECLEVEL=0"
_ALERT = re.compile(r"SSL alert number (\d+)")
_SUITE = re.compile(r"New, (TLSv[0-9.]+), Cipher is (\S+)")


async def hold_fapi_tls(url: str, *, suites: bool = True) -> None:
    """Hold versions and, with ``suites``, what TLS 1.2 offers where ``url`` is served."""
    parts = urlsplit(url)
    address = f"{parts.hostname}:{parts.port}"
    await hold_versions(address)
    if suites:
        await hold_suites(address)


async def hold_versions(address: str) -> None:
    """Hold that 1.3 is preferred, and that 1.0 and 1.1 end in an alert."""
    assert (await _negotiated(address))[0] == "TLSv1.3"
    assert (await _negotiated(address, "-tls1_3"))[0] == "TLSv1.3"
    for old in ("-tls1", "-tls1_1"):
        refused = await _alert(address, old, "-cipher", "ALL:@SECLEVEL=0")
        assert refused in {HANDSHAKE_FAILURE, PROTOCOL_VERSION}


async def hold_suites(address: str) -> None:
    """Hold that TLS 1.2 has the permitted suites, and none that is a failure or a warning."""
    version, suite = await _negotiated(address, "-tls1_2", "-cipher", ":".join(PERMITTED))
    assert version == "TLSv1.2"
    assert suite in PERMITTED
    for refused in (_OTHERS, ":".join(WITH_WARNING)):
        assert await _alert(address, "-tls1_2", "-cipher", refused) == HANDSHAKE_FAILURE


async def _negotiated(address: str, *options: str) -> tuple[str, str]:
    found = _SUITE.search(await _said(address, *options))
    assert found is not None
    return found[1], found[2]


async def _alert(address: str, *options: str) -> int | None:
    found = _ALERT.search(await _said(address, *options))
    return None if found is None else int(found[1])


async def _said(address: str, *options: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "openssl", "s_client", "-connect", address, *options,
        stdin=DEVNULL, stdout=PIPE, stderr=STDOUT,
    )  # fmt: skip
    async with asyncio.timeout(30):
        said, _ = await process.communicate()
    return said.decode(errors="replace")
