"""What the generator replays: signed requests, each of which can be used once.

A line of a file is ``PATH TAB DPoP-PROOF-or-hyphen TAB BODY``; the generator puts the
``auth_req_id`` of its flow in place of ``{ID}``. A file of one line is used again and again.
"""

import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from benchmarks.speed.names import APPROVE_PATH, CLIENT_ID, user_name
from benchmarks.speed.signing import Es256Key

__all__ = ["Signers", "Stages"]

_ASSERTION: Final = "client_assertion_type=" + quote(
    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", safe=""
)
_CIBA: Final = quote("urn:openid:params:grant-type:ciba", safe="")
_LIFETIME: Final = 240
_EXPIRY: Final = 600
_PROCESSES: Final = 2


@dataclass(frozen=True)
class Signers:
    """The keys of the one client, as PEM."""

    client: bytes
    dpop: bytes

    @property
    def client_key(self) -> Es256Key:
        """What signs assertions and requests."""
        return Es256Key.load(self.client, "client")

    @property
    def dpop_key(self) -> Es256Key:
        """What signs proofs."""
        return Es256Key.load(self.dpop, "dpop")

    @classmethod
    def generate(cls) -> "Signers":
        """New ones."""
        return cls(Es256Key.generate("client").pem(), Es256Key.generate("dpop").pem())


@dataclass(frozen=True)
class Stages:
    """Makes the files for one provider and one of its clients, which all have the same keys."""

    signers: Signers
    issuer: str
    backchannel: str
    token: str
    directory: Path
    client_id: str = CLIENT_ID

    def requests(self, number: int) -> Path:
        """Authentication requests."""
        return self._file("requests", _requests, number)

    def token_requests(self, number: int, nonce: str | None) -> Path:
        """Token requests with the ``nonce`` the provider demands, good for a minute."""
        return self._file("token-requests", _token_requests, number, nonce)

    def approvals(self) -> Path:
        """The one line that approves."""
        path = self.directory / "approvals"
        path.write_text(f"{APPROVE_PATH}\t-\t{{ID}}\n", "ascii")
        return path

    def _file(
        self,
        name: str,
        make: Callable[["Stages", int, str | None], str],
        number: int,
        nonce: str | None = None,
    ) -> Path:
        path = self.directory / name
        share = number // _PROCESSES + 1
        with ProcessPoolExecutor(_PROCESSES) as pool, path.open("w", encoding="ascii") as file:
            work = [pool.submit(make, self, share, nonce) for _ in range(_PROCESSES)]
            for each in work:
                file.write(each.result())
        return path

    def assertions(self, key: Es256Key, now: int) -> Iterator[str]:
        """Client assertions without end."""
        header, run = key.header(kid=key.kid, typ="JWT"), os.urandom(12).hex()
        number = 0
        while True:
            number += 1
            claims = {
                "iss": self.client_id,
                "sub": self.client_id,
                "aud": self.issuer,
                "jti": f"{run}-{number:08d}",
                "iat": now,
                "nbf": now,
                "exp": now + _LIFETIME,
            }
            yield key.sign(header, claims)


def _requests(stages: Stages, number: int, nonce: str | None) -> str:
    del nonce  # A request of a client that polls carries no proof.
    now, run = _seconds(), os.urandom(12).hex()
    key = stages.signers.client_key
    header = key.header(kid=key.kid, typ="oauth-authz-req+jwt")
    assertions = stages.assertions(key, now)
    lines = []
    for index in range(number):
        claims = {
            "iss": stages.client_id,
            "aud": stages.issuer,
            "client_id": stages.client_id,
            "iat": now,
            "nbf": now,
            "exp": now + _LIFETIME,
            "jti": f"{run}-{index:08d}",
            "scope": "openid pay",
            "login_hint": user_name(int.from_bytes(os.urandom(4), "big")),
            "binding_message": f"Pay {index % 1000} EUR",
            "requested_expiry": str(_EXPIRY),
        }
        request = key.sign(header, claims)
        body = f"client_id={stages.client_id}&request={request}&{_credentials(next(assertions))}"
        lines.append(f"{stages.backchannel}\t-\t{body}\n")
    return "".join(lines)


def _token_requests(stages: Stages, number: int, nonce: str | None) -> str:
    now, run = _seconds(), os.urandom(12).hex()
    key = stages.signers.dpop_key
    header = key.header(typ="dpop+jwt", jwk=key.public())
    assertions = stages.assertions(stages.signers.client_key, now)
    claims = {"htm": "POST", "htu": stages.issuer + stages.token, "iat": now}
    if nonce is not None:
        claims["nonce"] = nonce
    lines = []
    for index in range(number):
        proof = key.sign(header, {"jti": f"{run}-{index:08d}", **claims})
        body = f"grant_type={_CIBA}&auth_req_id={{ID}}&client_id={stages.client_id}"
        credentials = _credentials(next(assertions))
        lines.append(f"{stages.token}\t{proof}\t{body}&{credentials}\n")
    return "".join(lines)


def _credentials(assertion: str) -> str:
    return f"{_ASSERTION}&client_assertion={assertion}"


def _seconds() -> int:
    return time.time_ns() // 1_000_000_000
