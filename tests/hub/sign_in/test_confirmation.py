"""How people stand with a provider that answers, does not answer, or does not want them any more."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from genkan_hub.sign_in.confirmation import Confirmations
from genkan_hub.sign_in.exceptions import NotAllowedError, OverError, UnavailableError
from genkan_hub.sign_in.pages import Wording
from genkan_spawner.refusals import Refusal

WORDING = Wording("Keycloak", "gpu-help@example.org")
KEPT = {"refresh_token": "first", "confirmed_at": 100.0}
MODEL = {"name": "alice", "groups": ["vision"], "auth_state": {"refresh_token": "second", "confirmed_at": 200.0}}


@dataclass
class Account:
    """As much of JupyterHub's user as is asked."""

    name: str = "alice"
    id: int = 1
    auth_state: dict[str, Any] | None = field(default_factory=lambda: dict(KEPT))

    async def get_auth_state(self) -> dict[str, Any] | None:
        return self.auth_state

    async def save_auth_state(self, auth_state: dict[str, Any]) -> None:
        self.auth_state = auth_state


class Sessions:
    """Counts how often all browsers were signed out."""

    ended = 0

    def query(self, _: Any) -> "Sessions":
        return self

    def filter(self, *_: Any) -> list[Any]:
        self.ended += 1
        return []

    def commit(self) -> None: ...


class Request:
    """As much of JupyterHub's handler as is asked: it refreshes once, as that one does."""

    def __init__(self, confirmations: Confirmations, user: Account, by: object = None) -> None:
        self.db = Sessions()
        self.current_user = by or user
        self.applied: list[dict[str, Any]] = []
        self._confirmations = confirmations

    async def refresh_auth(self, user: Account, *, force: bool) -> None:
        assert force
        await self._confirmations.ask(user, self)

    async def auth_to_user(self, model: dict[str, Any], user: Account) -> None:
        self.applied.append(model)
        await user.save_auth_state(model["auth_state"])


class Provider:
    """Answers as it is told to, and counts how often it was asked."""

    def __init__(self, answer: Callable[[], dict[str, Any]]) -> None:
        self.answer = answer
        self.asked = 0

    async def __call__(self, _: Any) -> dict[str, Any]:
        self.asked += 1
        await asyncio.sleep(0)
        return self.answer()


def fail(error: Exception) -> Callable[[], dict[str, Any]]:
    def answer() -> dict[str, Any]:
        raise error

    return answer


async def started(confirmations: Confirmations, user: Account, *, by: object = None, earliest: float = 0) -> Request:
    request = Request(confirmations, user, by)
    await confirmations.before_start(user, request, wording=WORDING, earliest=earliest)
    return request


async def test_what_holds_now_is_kept_before_anybody_else_asks() -> None:
    provider, user = Provider(lambda: MODEL), Account()
    confirmations = Confirmations(provider)
    request = Request(confirmations, user)

    answers = await asyncio.gather(*(confirmations.ask(user, request) for _ in range(5)))

    assert answers == [MODEL] * 5
    assert provider.asked == 1
    assert user.auth_state == MODEL["auth_state"]


async def test_a_session_that_is_over_is_not_asked_about_again_and_starts_nothing() -> None:
    provider, user = Provider(fail(OverError("Session not active"))), Account()
    confirmations = Confirmations(provider)
    request = Request(confirmations, user)

    assert await confirmations.ask(user, request) is False
    assert await confirmations.ask(user, request) is False
    assert provider.asked == 1
    assert request.db.ended == 1
    with pytest.raises(Refusal) as e:
        await started(confirmations, user)
    assert e.value.message == "Your session at Keycloak is over. Sign in again, then start the server."

    confirmations.begin("alice")
    user.auth_state, provider.answer = {"refresh_token": "new"}, lambda: MODEL
    await started(confirmations, user)


async def test_who_is_not_allowed_any_more_loses_groups_at_once() -> None:
    gone = {**MODEL, "name": "renamed", "groups": []}
    provider, user = Provider(fail(NotAllowedError("no groups", model=gone))), Account()
    confirmations = Confirmations(provider)
    request = Request(confirmations, user)

    assert await confirmations.ask(user, request) is False
    assert request.applied == [{**gone, "name": "alice"}]
    assert request.db.ended == 1
    with pytest.raises(Refusal, match="no access to this hub any more"):
        await started(confirmations, user)
    assert provider.asked == 1


async def test_a_provider_that_does_not_answer_changes_nothing_for_a_while() -> None:
    provider, user = Provider(fail(UnavailableError("cannot be reached"))), Account()
    confirmations = Confirmations(provider)

    assert await confirmations.ask(user, Request(confirmations, user)) is True
    assert user.auth_state == KEPT
    request = await started(confirmations, user, earliest=100)
    assert request.db.ended == 0
    with pytest.raises(Refusal) as e:
        await started(confirmations, user, earliest=101)
    assert e.value.status_code == 503
    assert e.value.reason == "unavailable"

    provider.answer = lambda: MODEL
    await started(confirmations, user, earliest=101)


async def test_who_has_never_signed_in_starts_nothing_and_has_servers_started() -> None:
    provider, user = Provider(lambda: MODEL), Account(auth_state=None)
    confirmations = Confirmations(provider)

    with pytest.raises(Refusal, match="You have not signed in with Keycloak yet"):
        await started(confirmations, user)
    await started(confirmations, user, by=Account("carol"))
    assert provider.asked == 0


@pytest.mark.parametrize("error", [OverError("over"), UnavailableError("down")])
async def test_administrators_start_servers_of_others_by_what_is_known(error: Exception) -> None:
    confirmations = Confirmations(Provider(fail(error)))
    await started(confirmations, Account(), by=Account("carol"), earliest=1000)
