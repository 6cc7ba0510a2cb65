"""Where phones may be pages and apps: origins as browsers and platforms spell them (RFC 6454)."""

import re
from typing import Final
from urllib.parse import urlsplit

from ciba_service.settings.issuer import issuer_defect

__all__ = ["origin_defect"]

_ANDROID: Final = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}", re.ASCII)


def origin_defect(origin: str, *, rp_id: str | None, is_development: bool) -> str | None:
    """What is wrong with an origin, or None.

    Those of web pages lie within the domain ``rp_id`` where passkeys are for one, which the
    browser sees to as well (WebAuthn 5.1.2, 13.4.9); those of Android apps name the certificate
    that signs the app, and count for passkeys only.
    """
    if _ANDROID.fullmatch(origin):
        return "is for passkeys: set device.rp_id" if rp_id is None else None
    defect = issuer_defect(origin)
    if defect is not None:
        return defect
    parts = urlsplit(origin)
    host = parts.hostname or ""
    defects = {
        "must have no path": bool(parts.path),
        "may be http with an http issuer only": parts.scheme == "http" and not is_development,
        "must be within device.rp_id": rp_id is not None and not _is_within(host, rp_id),
    }
    return next((text for text, is_so in defects.items() if is_so), None)


def _is_within(host: str, domain: str) -> bool:
    return host == domain or host.endswith(f".{domain}")
