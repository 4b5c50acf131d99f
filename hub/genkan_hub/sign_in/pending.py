"""Sign-ins that a browser has begun: a cookie for each, so that several tabs do not get in each other's way."""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

PREFIX = "oauthenticator-state-"

LIFETIME_DAYS = 1 / 24
"""An hour, which is more than providers leave a login page open for."""

MOST = 5
"""Begun at the same time in one browser; proxies refuse requests with more cookies than they have room for."""

_ID = re.compile(r"[0-9a-f]{32}")


def state_id(state: str) -> str | None:
    """Return which sign-in a state is of, as OAuthenticator writes it; None where somebody else wrote it."""
    try:
        read = json.loads(base64.urlsafe_b64decode(state.encode("ascii")))
    except (ValueError, binascii.Error):
        return None
    known = read.get("state_id") if isinstance(read, dict) else None
    return known if isinstance(known, str) and _ID.fullmatch(known) else None


def cookie_of(state: str) -> str | None:
    """Return the name of the cookie of a sign-in."""
    known = state_id(state)
    return None if known is None else f"{PREFIX}{known}"


def too_many(cookies: Iterable[str]) -> list[str]:
    """Return the cookies that have to make room for one more; which is the oldest, a browser does not tell."""
    begun = [name for name in cookies if name.startswith(PREFIX)]
    return begun if len(begun) >= MOST else []


def next_url(state: str) -> str:
    """Return where a sign-in was to lead, empty where it did not say."""
    read: Mapping[str, Any] = json.loads(base64.urlsafe_b64decode(state.encode("ascii")))
    return str(read.get("next_url") or "")
