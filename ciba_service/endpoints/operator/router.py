"""Which operation a path and a method name: a table, and what is read of a request for it.

Paths are taken as they were sent, segment by segment: an identifier may have a slash in it, as
``%2F``, no segment is ever read as ``.`` or ``..``, and the words of a path have one spelling.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl, unquote_to_bytes

from starlette.types import Receive, Scope, Send

from ciba_service.flow.operators.authentication import ActingOperator
from ciba_service.protocol.operators.cursors import LARGEST_PAGE, USUAL_PAGE
from ciba_service.protocol.operators.problems import OperatorRefused, Problem
from ciba_service.protocol.operators.tokens import Role

__all__ = ["Operation", "OperatorRequest", "OperatorRouter", "Query"]

_LONGEST_NAME: Final = 255
_LONGEST_QUERY: Final = 4_096


@dataclass(frozen=True, slots=True)
class Query:
    """The parameters of a query, each at most once, and only those that the resource takes."""

    values: Mapping[str, str]

    @property
    def cursor(self) -> str | None:
        """Where the page begins; None for the first."""
        return self.values.get("cursor")

    @property
    def limit(self) -> int:
        """How many items a page has at most; raises ``OperatorRefused``."""
        text = self.values.get("limit", str(USUAL_PAGE))
        if not text.isascii() or not text.isdigit() or len(text) > len(str(LARGEST_PAGE)):
            raise OperatorRefused(Problem.INVALID_QUERY)
        if not 1 <= int(text) <= LARGEST_PAGE:
            raise OperatorRefused(Problem.INVALID_QUERY)
        return int(text)


@dataclass(frozen=True, slots=True)
class OperatorRequest:
    """A request of an operator who may make it: the names in its path, its query, its body."""

    acting: ActingOperator
    names: tuple[str, ...]
    query: Query
    scope: Scope = field(repr=False)
    receive: Receive = field(repr=False)

    @property
    def name(self) -> str:
        """The first name in the path."""
        return self.names[0]


Answer = Callable[[OperatorRequest, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Operation:
    """A method of a resource; a segment of ``path`` in braces stands for a name.

    ``role`` is what it needs; ``queries`` are the parameters it takes.
    """

    method: str
    path: str
    answer: Answer
    role: Role = Role.READ
    queries: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class _Segment:
    """Part of a path as it was sent, and the name that it spells."""

    raw: str
    name: str


class OperatorRouter:
    """Finds the operation; answers with it."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        self.operations: Sequence[Operation] = tuple(operations)
        self._segments = [(each.path.split("/")[1:], each) for each in self.operations]

    async def __call__(
        self, acting: ActingOperator, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Serve a request of an operator.

        Raises:
            OperatorRefused: no such resource, not this method, not this role, not this query.
        """
        operation, names = self._operation(scope["method"], _path(scope))
        acting.demand(operation.role)
        query = _query(scope["query_string"], operation.queries)
        await operation.answer(OperatorRequest(acting, names, query, scope, receive), send)

    def allowed(self, scope: Scope) -> str:
        """The methods that a path has, for ``Allow``."""
        found = {operation.method for operation, _ in self._at(_path(scope))}
        if "GET" in found:
            found.add("HEAD")
        return ", ".join(sorted(found))

    def _operation(
        self, method: str, path: Sequence[_Segment]
    ) -> tuple[Operation, tuple[str, ...]]:
        there = list(self._at(path))
        if not there:
            raise OperatorRefused(Problem.NOT_FOUND)
        wanted = "GET" if method == "HEAD" else method
        for operation, names in there:
            if operation.method == wanted:
                return operation, names
        raise OperatorRefused(Problem.METHOD_NOT_ALLOWED)

    def _at(self, path: Sequence[_Segment]) -> Iterable[tuple[Operation, tuple[str, ...]]]:
        for segments, operation in self._segments:
            names = _names(segments, path)
            if names is not None:
                yield operation, names


def _names(segments: Sequence[str], path: Sequence[_Segment]) -> tuple[str, ...] | None:
    """The names in a path, or None when it is not one of these segments."""
    if len(segments) != len(path):
        return None
    names = []
    for segment, sent in zip(segments, path, strict=True):
        if segment.startswith("{"):
            names.append(sent.name)
        elif segment != sent.raw:
            return None
    return tuple(names)


def _path(scope: Scope) -> Sequence[_Segment]:
    """The segments of the path.

    Raises:
        OperatorRefused: when one is empty, too long, no text, or climbs.
    """
    raw: bytes = scope["raw_path"].partition(b"?")[0]
    try:
        segments = [
            _Segment(each.decode("ascii"), unquote_to_bytes(each).decode("utf-8"))
            for each in raw.split(b"/")[1:]
        ]
    except UnicodeDecodeError:
        raise OperatorRefused(Problem.NOT_FOUND) from None
    names = [segment.name for segment in segments]
    if not all(0 < len(name) <= _LONGEST_NAME and name not in {".", ".."} for name in names):
        raise OperatorRefused(Problem.NOT_FOUND)
    return segments


def _query(raw: bytes, known: frozenset[str]) -> Query:
    if len(raw) > _LONGEST_QUERY:
        raise OperatorRefused(Problem.INVALID_QUERY)
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=bool(raw),
            errors="strict",
            max_num_fields=16,
        )
    except ValueError:
        raise OperatorRefused(Problem.INVALID_QUERY) from None
    values = dict(pairs)
    if len(values) < len(pairs) or not values.keys() <= known:
        raise OperatorRefused(Problem.INVALID_QUERY)
    return Query(values)
