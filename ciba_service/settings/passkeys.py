"""Whom passkeys are for (WebAuthn 5.1.2)."""

import ipaddress
import re
from typing import Final

__all__ = ["rp_id_defect"]

_DOMAIN: Final = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*", re.ASCII)


def rp_id_defect(rp_id: str) -> str | None:
    """What is wrong with a relying party's id, or None: it is a domain, in lower case."""
    try:
        ipaddress.ip_address(rp_id)
    except ValueError:
        return None if _DOMAIN.fullmatch(rp_id) else "must be a domain in lower case"
    return "must be a domain and no address"
