"""``make demo ARGS=--once``: whoever tries the project first sees all three delivery modes."""

import asyncio
import re
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[3] / "scripts" / "demo.py"


@pytest.mark.timeout(120)
async def test_the_demo_delivers_in_each_mode():
    """It ends with 0 once the till has polled, the kiosk was pinged, the bookshop pushed to."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, DEMO, "--once", stdout=PIPE, stderr=STDOUT
    )
    out, _ = await process.communicate()
    told = out.decode()
    assert process.returncode == 0, told
    assert re.findall(r"^--- (\w+)", told, re.MULTILINE) == ["poll", "ping", "push"]
    said = re.findall(r"^ *[\d.]+ s  (\w+) +(.*)$", told, re.MULTILINE)
    assert ("kiosk", "is notified: the decision is there") in said
    assert ("till", "presents it once more: payment_executed, once is all") in said
    assert told.count("Confirm ") == 3
    assert told.count('"urn:openid:params:jwt:claim:rt_hash"') == 1
    received = [who for who, what in said if what.startswith("received tokens")]
    assert received == ["till", "kiosk", "bookshop"]
