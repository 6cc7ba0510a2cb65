"""Every message between phone and service, from the AsyncAPI document."""

from typing import Final

from tools.asyncapi import DOCUMENT
from tools.site.reference.schemas import Node, members_table
from tools.yaml_files import read_yaml

__all__ = ["device_page"]

_INTRODUCTION: Final = """\
# Device messages

Every message of the [device protocol](../device-protocol.md) with its members, written from the
types in the code. The same for programs:
[AsyncAPI 3](../device-protocol.asyncapi.yaml) and
[JSON Schema](../device-protocol.schema.json).
"""


def device_page() -> str:
    """The page."""
    document = read_yaml(DOCUMENT)
    answers = {
        _name(operation["messages"][0]): [_name(each) for each in operation["reply"]["messages"]]
        for operation in document["operations"].values()
        if "reply" in operation
    }
    messages = document["components"]["messages"]
    parts = [_INTRODUCTION, "## From the phone\n"]
    parts += [_message(name, messages[name], answers[name], document) for name in sorted(answers)]
    parts.append("## From the service\n")
    told = sorted(messages.keys() - answers.keys())
    parts += [_message(name, messages[name], [], document) for name in told]
    return "\n".join(parts)


def _name(reference: dict[str, str]) -> str:
    return reference["$ref"].rpartition("/")[2]


def _message(name: str, message: Node, answers: list[str], document: Node) -> str:
    links = ", ".join(f"[`{each}`](#{each})" for each in answers)
    return "\n\n".join(
        part.rstrip()
        for part in (
            f"### `{name}` {{ #{name} }}",
            message.get("summary", ""),
            members_table(message["payload"], document),
            f"Answered by {links}." if answers else "",
            "\n",
        )
        if part
    )
