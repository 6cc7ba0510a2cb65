"""Members of JSON Schemas, as OpenAPI and AsyncAPI documents have them, in tables."""

from typing import Any, Final

from tools.site.reference.tables import NONE, cell, code, table

__all__ = ["Node", "followed", "members_table", "type_of"]

Node = dict[str, Any]
"""An object of such a document, as it was read."""

_HEAD: Final = ("member", "type", "meaning")
_MOST_VALUES: Final = 12


def followed(node: Node, document: Node) -> Node:
    """What a reference leads to, within the document."""
    while "$ref" in node:
        found = document
        for name in node["$ref"].removeprefix("#/").split("/"):
            found = found[name.replace("~1", "/").replace("~0", "~")]
        node = found
    return node


def members_table(schema: Node, document: Node) -> str:
    """The members of an object, required ones first; nothing for what is no object."""
    members, required = _members(schema, document)
    names = sorted(members, key=lambda name: name not in required)
    rows = [
        (
            code(name) + ("" if name in required else " (optional)"),
            type_of(members[name], document),
            cell(followed(members[name], document).get("description")),
        )
        for name in names
    ]
    return table(_HEAD, rows)


def _members(schema: Node, document: Node) -> tuple[Node, set[str]]:
    schema = followed(schema, document)
    members: Node = dict(schema.get("properties", {}))
    required = set(schema.get("required", ()))
    for part in schema.get("allOf", ()):
        more, needed = _members(part, document)
        for name, each in more.items():
            members[name] = members.get(name, {}) | followed(each, document)
        required |= needed
    for part in (*schema.get("oneOf", ()), *schema.get("anyOf", ())):
        more, _ = _members(part, document)
        members = more | members
    return members, required


def type_of(schema: Node, document: Node) -> str:
    """A schema's type in a few words."""
    schema = followed(schema, document)
    if "const" in schema:
        return code(str(schema["const"]))
    if "enum" in schema:
        shown = [code(str(each)) for each in schema["enum"][:_MOST_VALUES]]
        return ", ".join(shown) + (" …" if len(schema["enum"]) > _MOST_VALUES else "")
    if schema.get("type") == "array":
        return f"list of {type_of(schema.get('items', {}), document)}"
    for word in ("anyOf", "oneOf"):
        if word in schema:
            said = (type_of(each, document) for each in schema[word])
            return " or ".join(dict.fromkeys(each for each in said if each != "null"))
    kind = schema.get("type", NONE)
    return " or ".join(kind) if isinstance(kind, list) else str(kind)
