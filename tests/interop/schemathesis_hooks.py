"""What schemathesis cannot invent: credentials that are good once, and what is already going on.

Read by ``st run`` in a process of its own; ``CIBA_KNOWN`` names a file with what the test prepared.
Every other request is left as schemathesis made it; what was answered is written down.
"""

import itertools
import json
import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests
import schemathesis
from joserfc.jwk import ECKey
from schemathesis import Case, HookContext, Response

from ciba_service.sca.messages import body_hash
from tests.wire.client import WireClient
from tests.wire.phone import WirePhone

KNOWN: dict[str, Any] = json.loads(Path(os.environ["CIBA_KNOWN"]).read_text("utf-8"))
TURNS: dict[str, Iterator[int]] = defaultdict(itertools.count)


class StandingClock:
    """The clock of the service, as it was when the test began and still is."""

    def now_ms(self) -> int:
        """Milliseconds since the epoch."""
        return int(KNOWN["now_ms"])

    def now(self) -> int:
        """Seconds since the epoch."""
        return self.now_ms() // 1000


CLIENT = WireClient(
    KNOWN["client_id"],
    key=ECKey.import_key(KNOWN["client_key"]),
    issuer=KNOWN["issuer"],
    clock=StandingClock(),  # type: ignore[arg-type]
)
PHONE = WirePhone(
    None,  # type: ignore[arg-type] # it only signs
    KNOWN["issuer"],
    StandingClock(),  # type: ignore[arg-type]
    key=ECKey.import_key(KNOWN["phone_key"]),
    device_id=KNOWN["device_id"],
)


def device_proof(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Sign for the body as it goes out."""
    body = request.body or b""
    content = body.encode() if isinstance(body, str) else body
    proof = PHONE.proof(KNOWN["nonce"], body_hash=body_hash(content))
    request.headers["Authorization"] = f"Device {proof}"
    return request


def gives_up(case: Case) -> bool:
    """Whether it would end the one phone that there is, and all tokens with it."""
    return isinstance(case.body, dict) and case.body.get("type") == "give_up"


def credentials(case: Case, kwargs: dict[str, Any]) -> None:
    """Make the request one of somebody who is known."""
    label = case.operation.label
    if label in KNOWN["client_forms"] and isinstance(case.body, dict):
        case.body.update(CLIENT.credentials())
    if label == "POST /device/messages" and not gives_up(case):
        signing: Callable[..., requests.PreparedRequest] = device_proof
        kwargs["auth"] = signing


@schemathesis.hook
def before_call(context: HookContext, case: Case, kwargs: dict[str, Any]) -> None:  # noqa: ARG001 - as schemathesis has it
    """Make every second request of an endpoint one that gets beyond the question who asks.

    Every fourth has a whole good body where the test knows one.
    """
    turn = next(TURNS[case.operation.label])
    if turn % 2 == 0:
        return
    good = KNOWN["good"].get(case.operation.label, {})
    for name, values in good.get("headers", {}).items():
        case.headers[name] = values[turn // 2 % len(values)]
    case.path_parameters.update(good.get("path", {}))
    if isinstance(case.body, dict):
        if turn % 4 == 1 and (whole := good.get("whole")):
            case.body.clear()
            case.body.update(whole[turn // 4 % len(whole)])
            case.headers.pop("DPoP", None)  # an invented one is never good
        for name, values in good.get("body", {}).items():
            if name in case.body:
                case.body[name] = values[turn // 2 % len(values)]
    credentials(case, kwargs)


@schemathesis.hook
def after_call(context: HookContext, case: Case, response: Response) -> None:  # noqa: ARG001 - as schemathesis has it
    """Write down what was answered."""
    with Path(KNOWN["answers"]).open("a", encoding="utf-8") as answers:
        answers.write(f"{case.operation.label} {response.status_code}\n")
