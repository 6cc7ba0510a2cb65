"""What can be said of received bytes without a parser: that they are one whole plain request."""

import re
from typing import Final

__all__ = ["is_one_plain_post"]

_METHOD: Final = b"POST /"
_LENGTH: Final = b"\r\ncontent-length:"
# Whatever makes another end of the message, or of the connection, than the length says; and pages,
# which have to be told that they may read the answer.
_NOT_PLAIN: Final = re.compile(rb"\n(?:transfer-encoding|connection|expect|upgrade|origin):")
_LARGEST: Final = 65_536
_MOST_DIGITS: Final = 5


def is_one_plain_post(data: bytes) -> bool:
    """Whether it is the head of a POST and its body, and nothing before, between or after them.

    Only then it may be answered without being parsed: however anybody else reads it, all of it is
    gone with its answer. What is not obviously so is not.
    """
    if not data.startswith(_METHOD) or len(data) > _LARGEST:
        return False
    end = data.find(b"\r\n\r\n")
    head = data[: max(0, end)].lower()
    if head.count(_LENGTH) != 1 or head.count(b"\n") != head.count(b"\r\n"):
        return False
    if not head.partition(b"\r\n")[0].endswith(b" http/1.1"):
        return False
    if _NOT_PLAIN.search(head):
        return False
    digits = head.partition(_LENGTH)[2].partition(b"\r\n")[0].strip(b" \t")
    is_number = digits.isdigit() and len(digits) <= _MOST_DIGITS
    return is_number and len(data) == end + 4 + int(digits)
