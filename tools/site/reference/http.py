"""The HTTP endpoints, from the OpenAPI documents."""

from typing import Final

from tools.openapi import OPERATOR_SOURCE, SOURCE
from tools.site.reference.schemas import Node, followed, members_table, type_of
from tools.site.reference.tables import NONE, cell, code, table
from tools.yaml_files import read_yaml

__all__ = ["http_pages"]

_SOURCES: Final = (
    ("http-api", "HTTP API", SOURCE),
    ("operator-http-api", "Operator HTTP API", OPERATOR_SOURCE),
)
_METHODS: Final = ("get", "post", "put", "patch", "delete")


def http_pages() -> dict[str, str]:
    """A page for each document, by its path."""
    return {
        f"reference/{name}.md": _page(title, read_yaml(source), source.name)
        for name, title, source in _SOURCES
    }


def _page(title: str, document: Node, file: str) -> str:
    said = _prose(document["info"])
    parts = [f"# {title}", said, f"The same as an OpenAPI document: [{file}](../{file})."]
    for tag in document["tags"]:
        parts += [f"## {tag['name'].capitalize()}", _sentence(_prose(tag))]
        parts += [
            _operation(method, path, item[method], document)
            for path, item in document["paths"].items()
            for method in _METHODS
            if method in item and tag["name"] in item[method]["tags"]
        ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _prose(described: Node) -> str:
    text: str = described.get("description", "")
    return text.strip()


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def _operation(method: str, path: str, operation: Node, document: Node) -> str:
    parts = [
        f"### `{method.upper()} {path}`",
        f"**{operation['summary']}**",
        _prose(operation),
        _parameters(operation, document),
        _request(operation, document),
        table(
            ("status", "meaning", "errors"),
            (_answer(status, each, document) for status, each in operation["responses"].items()),
        ),
        _answered(operation, document),
    ]
    return "\n\n".join(part.strip() for part in parts if part)


def _parameters(operation: Node, document: Node) -> str:
    rows = []
    for each in operation.get("parameters", ()):
        parameter = followed(each, document)
        rows.append(
            (
                code(parameter["name"]) + ("" if parameter.get("required") else " (optional)"),
                str(parameter["in"]),
                type_of(parameter.get("schema", {}), document),
                cell(parameter.get("description")),
            )
        )
    return table(("parameter", "in", "type", "meaning"), rows)


def _request(operation: Node, document: Node) -> str:
    if "requestBody" not in operation:
        return ""
    parts = []
    for kind, content in followed(operation["requestBody"], document)["content"].items():
        members = members_table(content.get("schema", {}), document)
        parts.append(f"Body: `{kind}`\n\n{members}".strip())
    return "\n\n".join(parts)


def _answer(status: str, response: Node, document: Node) -> tuple[str, str, str]:
    response = followed(response, document)
    codes = ", ".join(map(code, _errors(response, document)))
    return code(status), cell(response["description"]), codes or NONE


def _errors(response: Node, document: Node) -> list[str]:
    found: list[str] = []

    def look(schema: Node) -> None:
        schema = followed(schema, document)
        member = followed(schema.get("properties", {}).get("error", {}), document)
        found.extend(member.get("enum", [member["const"]] if "const" in member else []))
        for word in ("allOf", "oneOf", "anyOf"):
            for part in schema.get(word, ()):
                look(part)

    for content in response.get("content", {}).values():
        look(content.get("schema", {}))
    return list(dict.fromkeys(found))


def _answered(operation: Node, document: Node) -> str:
    """The members of a successful answer."""
    for status, response in operation["responses"].items():
        for kind, content in followed(response, document).get("content", {}).items():
            members = members_table(content.get("schema", {}), document)
            if status.startswith("2") and members:
                return f"Answer {status}: `{kind}`\n\n{members}"
    return ""
