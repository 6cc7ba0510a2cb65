"""A flow as a whole Python program that does the same with the client library."""

import re
from collections.abc import Mapping
from typing import Final

from ciba_client.client_file import ClientFile
from ciba_client.listener import ListeningAddress
from ciba_client.sdk.authentication_method import ClientAuthenticationMethod

__all__ = ["program_of"]

_ASKED_FOR: Final = 'getpass("User code: ")'
_BLOCK = re.compile(r"(?m)^(?=.)")


def program_of(
    settings: ClientFile,
    parameters: Mapping[str, object],
    *,
    address: ListeningAddress | None,
) -> str:
    """The program; ``address`` is where notifications arrive, None for a client that polls.

    A user code does not stand in it: it is asked for each time (CIBA 7.1.2).
    """
    names = {"CibaClient", "ClientConfiguration", "parse_signing_key"}
    arguments = _configuration(settings, names)
    client = "CibaClient(configuration)"
    body = _authentication(client, parameters)
    if address is not None:
        names.add("NotificationReceiver")
        body = _authentication("CibaClient(configuration, notifications=receiver)", parameters)
        body = _listening(address, body)
    modules = "import asyncio\n"
    if "user_code" in parameters:
        modules += "from getpass import getpass\n"
    modules += "from pathlib import Path\n"
    if address is not None:
        modules += "\nimport uvicorn\n"
    imported = "".join(f"    {name},\n" for name in sorted(names))
    return (
        f'"""What the playground did, with the client library."""\n\n{modules}\n'
        f"from ciba_client import (\n{imported})\n\n\n"
        "async def main() -> None:\n"
        '    """Ask, wait for the decision, and print what the ID token says."""\n'
        f"    configuration = ClientConfiguration(\n{_indented(arguments, 8)}\n    )\n"
        f"{_indented(body, 4)}\n\n\nasyncio.run(main())\n"
    )


def _configuration(settings: ClientFile, names: set[str]) -> str:
    lines = [
        f"issuer={settings.issuer!r},",
        f"client_id={settings.client_id!r},",
        f"key={_key(settings)},",
    ]
    method = settings.token_endpoint_auth_method
    if method is not ClientAuthenticationMethod.PRIVATE_KEY_JWT:
        names.add("ClientAuthenticationMethod")
        lines.append(f"token_endpoint_auth_method=ClientAuthenticationMethod.{method.name},")
    mode = settings.backchannel_token_delivery_mode
    if mode is not None:
        names.add("TokenDeliveryMode")
        lines.append(f"backchannel_token_delivery_mode=TokenDeliveryMode.{mode.name},")
    algorithm = settings.id_token_signed_response_alg
    if algorithm is not None:
        names.add("SignatureAlgorithm")
        lines.append(f"id_token_signed_response_alg=SignatureAlgorithm.{algorithm.name},")
    if settings.dpop_key is not None:
        names.add("parse_dpop_key")
        lines.append(f"dpop_key=parse_dpop_key(Path({settings.dpop_key!r}).read_bytes()),")
    return "\n".join([*lines, *_plain(settings), *_files(settings)])


def _key(settings: ClientFile) -> str:
    extra = "".join(
        f", {name}={value!r}"
        for name, value in (("algorithm", settings.alg), ("kid", settings.kid))
        if value is not None
    )
    return f"parse_signing_key(Path({settings.key!r}).read_bytes(){extra})"


def _plain(settings: ClientFile) -> list[str]:
    defaults = ClientFile()
    names = (
        "sign_requests",
        "assertion_audience",
        "dpop_bound_access_tokens",
        "backchannel_user_code_parameter",
        "polling_wait",
    )
    return [
        f"{name}={getattr(settings, name)!r},"
        for name in names
        if getattr(settings, name) != getattr(defaults, name)
    ]


def _files(settings: ClientFile) -> list[str]:
    names = (
        ("certificate_file", settings.certificate),
        ("certificate_key_file", settings.certificate_key),
        ("ca_file", settings.ca_file),
    )
    return [f"{name}=Path({path!r})," for name, path in names if path is not None]


def _authentication(client: str, parameters: Mapping[str, object]) -> str:
    given = "".join(
        f"        {name}={_ASKED_FOR if name == 'user_code' else repr(value)},\n"
        for name, value in parameters.items()
    )
    return (
        "async with (\n"
        f"    {client} as client,\n"
        f"    client.authenticate(\n{given}    ) as pending,\n"
        "):\n"
        "    if pending.verification_code is not None:\n"
        '        print("Type this code on the phone:", pending.verification_code)\n'
        "    tokens = await pending.tokens()\n"
        "print(dict(tokens.id_token.claims))"
    )


def _listening(address: ListeningAddress, body: str) -> str:
    return (
        "receiver = NotificationReceiver()  # answers at the registered endpoint\n"
        "server = uvicorn.Server(\n"
        f"    uvicorn.Config(receiver, host={address.host!r}, port={address.port},"
        ' log_level="error")\n'
        ")\n"
        "listening = asyncio.create_task(server.serve())\n"
        f"try:\n{_indented(body, 4)}\nfinally:\n"
        "    server.should_exit = True\n"
        "    await listening"
    )


def _indented(text: str, spaces: int) -> str:
    return _BLOCK.sub(" " * spaces, text)
