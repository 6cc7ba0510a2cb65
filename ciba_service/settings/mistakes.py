"""What is wrong with a value, in the words of whoever wrote the configuration."""

import re
from typing import Final

from msgspec import inspect

__all__ = ["told"]

_WRONG_WORD: Final = re.compile(r"Invalid enum value .*?(?: - at `\$([^`]*)`)?", re.DOTALL)
_STEP: Final = re.compile(r"\w+|\[")


def told(error: Exception, read_as: object) -> str:
    """What msgspec says, with keys as an operator writes them; of a wrong word, the right ones."""
    sentence = str(error).replace("`$.", "`")
    wrong = _WRONG_WORD.fullmatch(str(error))
    if wrong is None:
        return sentence
    steps = [step for step in _STEP.findall(wrong[1] or "") if not step.isdigit()]
    words = _words(inspect.type_info(read_as), steps)
    return f"{sentence}: it must be one of {', '.join(words)}" if words else sentence


def _words(kind: inspect.Type, steps: list[str]) -> list[str]:
    """The words that are taken where the steps lead from ``kind``."""
    match kind:
        case inspect.UnionType(types):
            return [word for each in types for word in _words(each, steps)]
        case inspect.StructType(fields=fields) if steps:
            found = (field.type for field in fields if field.encode_name == steps[0])
            return [word for each in found for word in _words(each, steps[1:])]
        case inspect.VarTupleType(item_type=item) if steps:
            return _words(item, steps[1:])
        case inspect.EnumType(cls):
            return [member.value for member in cls]
        case inspect.LiteralType(values):
            return [str(value) for value in values]
        case _:
            return []
