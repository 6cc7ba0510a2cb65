"""``ciba-client keygen``: a key pair for a client; the private half never leaves the file."""

import os
import secrets
import sys
from pathlib import Path

import msgspec
from joserfc.jwk import ECKey, OKPKey, RSAKey

from ciba_client.client_file import UnusableInput
from ciba_client.sdk.jose.algorithms import SMALLEST_RSA_KEY, SignatureAlgorithm

__all__ = ["generate_key"]

_Key = ECKey | OKPKey | RSAKey


def generate_key(
    out: Path, *, algorithm: SignatureAlgorithm, kid: str | None, as_toml: bool
) -> None:
    """Write a private JWK with mode 0600, and print the public key set to be registered.

    Raises:
        UnusableInput: when the file exists already or cannot be written.
    """
    key = _new_key(algorithm)
    named = {
        "kid": kid or f"{out.stem}-{secrets.token_hex(4)}",
        "alg": str(algorithm),
        "use": "sig",
    }
    _write(out, msgspec.json.encode({**_members(key, private=True), **named}))
    public = {**_members(key, private=False), **named}
    if as_toml:
        members = ", ".join(f'{name} = "{value}"' for name, value in public.items())
        sys.stdout.write(f"jwks = {{ keys = [{{ {members} }}] }}\n")
    else:
        sys.stdout.write(msgspec.json.encode({"keys": [public]}).decode() + "\n")


def _new_key(algorithm: SignatureAlgorithm) -> _Key:
    match algorithm:
        case SignatureAlgorithm.ES256:
            return ECKey.generate_key("P-256", private=True)
        case SignatureAlgorithm.EDDSA:
            return OKPKey.generate_key("Ed25519", private=True)
        case SignatureAlgorithm.PS256 | SignatureAlgorithm.RS256:
            return RSAKey.generate_key(SMALLEST_RSA_KEY, private=True)


def _members(key: _Key, *, private: bool) -> dict[str, str]:
    members = key.as_dict(private=private)
    return {name: str(value) for name, value in members.items() if name != "kid"}


def _write(out: Path, content: bytes) -> None:
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UnusableInput(f"{out} exists already") from error
    except OSError as error:
        raise UnusableInput(f"{out} cannot be written: {error.strerror}") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
