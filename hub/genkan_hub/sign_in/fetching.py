"""Questions to the provider, and what its answers mean."""

import json
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest

from .exceptions import ProviderError, RefusedError, UnavailableError

CONNECT_SECONDS, ANSWER_SECONDS = 4, 8
"""Pages of people who are signed in wait for the provider now and then, so that it may not take for ever."""

_NOT_NOW = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


async def ask(client: AsyncHTTPClient, request: HTTPRequest, *, parse: bool, **options: Any) -> Any:
    """Return an answer, or what it says as JSON. Raises ProviderError.

    Neither the request's text nor an answer's goes into an error: both hold secrets and tokens.
    """
    place = urlsplit(request.url)._replace(query="", fragment="").geturl()
    try:
        answer = await client.fetch(request, **options)
    except HTTPClientError as e:
        raise _meaning(e, place) from None
    except OSError as e:
        raise UnavailableError(f"{place} cannot be reached ({e})") from None
    if not parse:
        return answer
    try:
        return json.loads(answer.body) if answer.body else None
    except ValueError:
        raise UnavailableError(f"{place} answers something else than JSON") from None


def _meaning(error: HTTPClientError, place: str) -> ProviderError:
    says_no = HTTPStatus.BAD_REQUEST <= error.code < HTTPStatus.INTERNAL_SERVER_ERROR
    if not says_no or error.code in _NOT_NOW:
        return UnavailableError(f"{place} does not answer as it should ({error.code} {error.message})")
    code, description = _told(error)
    text = " ".join(part for part in (f"{place} answers {error.code}", code, description) if part)
    return RefusedError(text, status=error.code, error=code)


def _told(error: HTTPClientError) -> tuple[str, str]:
    """Return OAuth's code for what is wrong, and words about it."""
    try:
        told = json.loads(error.response.body) if error.response is not None else None
    except ValueError:
        told = None
    if not isinstance(told, dict):
        return "", ""
    code, description = (told.get(key) for key in ("error", "error_description"))
    return (
        code[:80] if isinstance(code, str) else "",
        f"({description[:200]!r})" if isinstance(description, str) else "",
    )
