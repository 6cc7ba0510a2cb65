"""Which files can be the logo of a client."""

import base64
import hashlib

import pytest

from ciba_service.protocol.client.logo import InvalidLogoError, parse_logo
from tests.png import SIGNATURE, chunk, header, png

END = chunk(b"IEND")


def test_a_logo_is_named_by_its_hash():
    """SHA-256 of the very bytes, in base64url without padding."""
    content = png(width=512, height=512)
    logo = parse_logo(content)
    digest = hashlib.sha256(content).digest()
    assert logo.name == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    assert logo.content == content
    assert "PNG" not in repr(logo)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is no PNG"),
        (b"GIF89a", "is no PNG"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "is no PNG"),
        (SIGNATURE, "not a whole one"),
        (SIGNATURE + END, "not a whole one"),
        (SIGNATURE + header(), "not a whole one"),
        (png()[:-1], "not a whole one"),
        (png()[:-12], "not a whole one"),
        (png() + b"more", "not a whole one"),
        (png() + chunk(b"tEXt"), "not a whole one"),
        (SIGNATURE + chunk(b"tEXt", bytes(13)) + END, "not a whole one"),
        (SIGNATURE + chunk(b"IHDR", bytes(12)) + END, "not a whole one"),
        (png().replace(b"IDAT", b"IDAS"), "not a whole one"),
        (SIGNATURE + b"\xff\xff\xff\xffIHDR" + bytes(30), "not a whole one"),
        (png(more=chunk(b"acTL", bytes(8))), "is animated"),
        (png(width=513), "larger than 512"),
        (png(height=513), "larger than 512"),
        (SIGNATURE + header(0, 1) + END, "larger than 512"),
        (png(more=chunk(b"tEXt", bytes(65_536))), "larger than 64 KiB"),
    ],
)
def test_what_is_no_small_still_png_is_refused(content: bytes, reason: str):
    """Whole, with every checksum right, and of a size that any phone can draw."""
    with pytest.raises(InvalidLogoError, match=reason):
        parse_logo(content)


def test_the_largest_file_is_taken():
    """64 KiB are the limit, all included."""
    room = 65_536 - len(png(more=chunk(b"tEXt")))
    assert parse_logo(png(more=chunk(b"tEXt", bytes(room)))).name
