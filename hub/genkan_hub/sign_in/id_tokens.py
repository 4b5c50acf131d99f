"""What an ID token must say before its bearer is believed (OpenID Connect Core, section 3.1.3.7).

The token comes straight from the provider, over TLS, in exchange for a code that is good once. Its signature says
nothing beyond that, and is not looked at, as that section allows.
"""

from collections.abc import Mapping
from typing import Any

import jwt

LEEWAY = 300
"""Seconds by which the clocks of the hub and of the provider may differ."""


class IdTokenError(Exception):
    """The token is not for this hub, or not from this provider; the text is for the log and holds nothing of it."""


class ClockError(IdTokenError):
    """The token is of another time: `seconds` is how far the hub's clock is ahead of the provider's."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the clock of the hub is {seconds:+.0f} s from the provider's")
        self.seconds = seconds


def read(token: Any) -> Mapping[str, Any]:
    """Return what a token says, believed or not. Raises IdTokenError where it is none."""
    try:
        claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    except jwt.PyJWTError as e:
        raise IdTokenError(f"what should be an ID token is none ({type(e).__name__})") from None
    return claims


def check(claims: Mapping[str, Any], *, issuer: str, client_id: str, now: float) -> None:
    """Hold a fresh token against whom it is for, by whom it is, and when it is good; `now` is in seconds of Unix.

    Without an issuer any is taken. Raises IdTokenError, or ClockError where it is good at another time.
    """
    audience = claims.get("aud")
    audiences = audience if isinstance(audience, list) else [audience]
    if client_id not in audiences:
        raise IdTokenError("the ID token is for another client")
    if claims.get("azp", client_id) != client_id:
        raise IdTokenError("the ID token was issued to another client")
    if issuer and not same_issuer(claims.get("iss"), issuer):
        raise IdTokenError(f"the ID token is from {str(claims.get('iss'))[:200]!r} and not from {issuer}")
    if not isinstance(claims.get("sub"), str):
        raise IdTokenError("the ID token does not say of whom it is")
    _check_times(claims, now=now)


def _check_times(claims: Mapping[str, Any], *, now: float) -> None:
    issued, expires = _time(claims, "iat"), _time(claims, "exp")
    begins = max(issued, _time(claims, "nbf")) if "nbf" in claims else issued
    if now > expires + LEEWAY:
        raise ClockError(now - issued)
    if now < begins - LEEWAY:
        raise ClockError(now - begins)


def _time(claims: Mapping[str, Any], name: str) -> float:
    value = claims.get(name)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise IdTokenError(f"the ID token does not say when it is good ({name})")
    return value


def same_issuer(one: Any, other: str) -> bool:
    """Return whether two issuers are one; people write the last slash or leave it out."""
    return isinstance(one, str) and one.rstrip("/") == other.rstrip("/")
