"""The users that a hub knows, by its REST API."""

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import aiohttp

from .exceptions import HomesError

_PAGE = 200
_SECONDS = 30


@dataclass(frozen=True, slots=True)
class KnownUser:
    """One user of the hub."""

    name: str
    last_activity: datetime | None


async def known_users(url: str, token: str) -> dict[str, KnownUser]:
    """Return all users of a hub by name; `url` is that of its API, such as http://hub:8081/hub/api.

    The token needs the scopes `list:users` and `read:users:activity`. Raises HomesError.
    """
    found: dict[str, KnownUser] = {}
    headers = {"Authorization": f"token {token}", "Accept": "application/jupyterhub-pagination+json"}
    try:
        async with aiohttp.ClientSession(headers=headers, timeout=aiohttp.ClientTimeout(total=_SECONDS)) as session:
            offset: int | None = 0
            while offset is not None:
                query = {"offset": str(offset), "limit": str(_PAGE)}
                async with session.get(f"{url.rstrip('/')}/users", params=query, allow_redirects=False) as answer:
                    _require_success(answer.status)
                    page = await answer.json()
                for row in page["items"]:
                    found[row["name"]] = KnownUser(row["name"], _moment(row.get("last_activity")))
                following = page["_pagination"]["next"]
                offset = following["offset"] if following else None
    except (aiohttp.ClientError, TimeoutError, ValueError) as e:
        raise HomesError(f"The hub's API at {url} gave no answer that can be read ({type(e).__name__}).") from e
    except (KeyError, TypeError) as e:
        raise HomesError(f"What answers at {url} is not the API of a hub.") from e
    return found


def _require_success(status: int) -> None:
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        sentence = "The hub refuses the token: it needs the scopes list:users and read:users:activity."
        raise HomesError(sentence)
    if status != HTTPStatus.OK:
        raise HomesError(f"The hub's API answers with status {status}.")


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if isinstance(text, str) else None
