"""Whether authorization details are on display as they are: every value, and nothing besides.

The phone does not know their types; it compares what tokens would state with what is shown.
"""

from collections.abc import Iterator, Mapping

from ciba_service.sca.messages import ShownDetail, ShownLine

__all__ = ["are_shown"]


def are_shown(details: tuple[Mapping[str, object], ...], shown: tuple[ShownDetail, ...]) -> bool:
    """Whether each detail is on display, in the same order, with a text for every value of it."""
    return len(details) == len(shown) and all(map(_is_shown, details, shown))


def _is_shown(detail: Mapping[str, object], shown: ShownDetail) -> bool:
    lines = {line.member: line for line in shown.lines}
    if len(lines) < len(shown.lines) or not all(map(_is_legible, shown.lines)):
        return False
    values: dict[str, list[str | None]] = {name: [] for name in lines}
    for path, value in _values(detail, ()):
        if path != "type":  # the title says it
            values.setdefault(path, []).append(value)
    return values.keys() == lines.keys() and all(
        _says(lines[path], found) for path, found in values.items()
    )


def _is_legible(line: ShownLine) -> bool:
    return bool(line.label) and bool(line.texts) and all(line.texts)


def _says(line: ShownLine, values: list[str | None]) -> bool:
    if None in values:
        return False
    if line.worded:
        # The service's words: for each value, or one text on what is not there.
        return len(line.texts) == max(1, len(values))
    stated = [value for value in values if value is not None]
    return list(map(_letters, line.texts)) == list(map(_letters, stated))


def _letters(text: str) -> str:
    return text.replace(" ", "")


def _values(value: object, path: tuple[str, ...]) -> Iterator[tuple[str, str | None]]:
    """Every value in it with its path; None for a value that no text can stand for."""
    match value:
        case Mapping() if value:
            for name, inner in value.items():
                yield from _values(inner, (*path, name))
        case list() if value:
            for inner in value:
                yield from _values(inner, path)
        case str():
            yield ".".join(path), value
        case bool() | int():
            yield ".".join(path), str(value).lower()
        case _:
            yield ".".join(path), None
