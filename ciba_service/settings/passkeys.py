"""Whom passkeys are for, and from where they may be used (WebAuthn 5.1.2, 13.4.9)."""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

from ciba_service.settings.issuer import issuer_defect

__all__ = ["origin_defect", "rp_id_defect"]

_DOMAIN: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", re.ASCII)
_ANDROID: Final = re.compile(r"android:apk-key-hash:[A-Za-z0-9_-]{43}", re.ASCII)


def rp_id_defect(rp_id: str) -> str | None:
    """What is wrong with a relying party's id, or None: it is a domain, in lower case."""
    try:
        ipaddress.ip_address(rp_id)
    except ValueError:
        return None if _DOMAIN.fullmatch(rp_id) else "must be a domain in lower case"
    return "must be a domain and no address"


def origin_defect(origin: str, *, rp_id: str, is_development: bool) -> str | None:
    """What is wrong with an origin, or None.

    Those of web pages lie within the domain ``rp_id``, which the browser sees to as well; those of
    Android apps name the certificate that signs the app.
    """
    if _ANDROID.fullmatch(origin):
        return None
    defect = issuer_defect(origin)
    if defect is not None:
        return defect
    parts = urlsplit(origin)
    host = parts.hostname or ""
    defects = {
        "must have no path": bool(parts.path),
        "may be http with an http issuer only": parts.scheme == "http" and not is_development,
        "must be within device.rp_id": host != rp_id and not host.endswith(f".{rp_id}"),
    }
    return next((text for text, is_so in defects.items() if is_so), None)
