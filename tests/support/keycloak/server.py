"""A running Keycloak, as its administrator and its users have it."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import httpx

from .distribution import lay_out
from .door import Door
from .launch import ADMINISTRATOR, Launch

REALM = "lab"

PASSWORD = "only-for-trying"


class Keycloak:
    """The realm of the documentation, behind a door; `administration` goes past it."""

    def __init__(self, launch: Launch, door: Door) -> None:
        self._origin = f"http://127.0.0.1:{launch.port}"
        self._launch = launch
        self.door = door

    def wait_ready(self) -> None:
        """Wait until it answers."""
        self._launch.wait_ready()

    @property
    def issuer(self) -> str:
        """What the realm calls itself, for whoever comes through the door."""
        return f"http://127.0.0.1:{self.door.port}/realms/{REALM}"

    async def administer(self, method: str, path: str, **body: Any) -> Any:
        """Use the REST API for administrators, below the realm."""
        name, password = ADMINISTRATOR
        async with httpx.AsyncClient(base_url=self._origin, timeout=60) as client:
            form = {"grant_type": "password", "client_id": "admin-cli", "username": name, "password": password}
            token = await client.post("/realms/master/protocol/openid-connect/token", data=form)
            headers = {"Authorization": f"Bearer {token.raise_for_status().json()['access_token']}"}
            answer = await client.request(method, f"/admin/realms/{REALM}/{path}", headers=headers, **body)
        assert answer.is_success, f"{answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    async def user(self, name: str) -> dict[str, Any]:
        """Return what Keycloak knows of a user."""
        (found,) = await self.administer("GET", "users", params={"username": name, "exact": "true"})
        known: dict[str, Any] = found
        return known

    async def end_sessions(self, name: str) -> None:
        """Sign a user out everywhere, as an administrator can."""
        await self.administer("POST", f"users/{(await self.user(name))['id']}/logout")

    @asynccontextmanager
    async def changed(self, name: str, **changes: Any) -> AsyncIterator[None]:
        """Change an account for a while, such as `enabled=False`."""
        before = await self.user(name)
        await self.administer("PUT", f"users/{before['id']}", json={**before, **changes})
        try:
            yield
        finally:
            await self.administer("PUT", f"users/{before['id']}", json=before)

    @asynccontextmanager
    async def without(self, name: str, group: str) -> AsyncIterator[None]:
        """Take somebody out of a group for a while."""
        path = await self._membership(name, group)
        await self.administer("DELETE", path)
        try:
            yield
        finally:
            await self.administer("PUT", path)

    @asynccontextmanager
    async def within(self, name: str, group: str) -> AsyncIterator[None]:
        """Take somebody into a group for a while."""
        path = await self._membership(name, group)
        await self.administer("PUT", path)
        try:
            yield
        finally:
            await self.administer("DELETE", path)

    async def _membership(self, name: str, group: str) -> str:
        groups = await self.administer("GET", "groups", params={"search": group, "exact": "true"})
        return f"users/{(await self.user(name))['id']}/groups/{groups[0]['id']}"

    @asynccontextmanager
    async def account(self, name: str, **more: Any) -> AsyncIterator[str]:
        """Make an account for a while, and return its number."""
        known = {
            "username": name,
            "email": f"{name}@example.org",
            "emailVerified": True,
            "firstName": "A",
            "lastName": "Person",
            "enabled": True,
            "credentials": [{"type": "password", "value": PASSWORD}],
            **more,
        }
        await self.administer("POST", "users", json=known)
        number = str((await self.user(name))["id"])
        try:
            yield number
        finally:
            await self.administer("DELETE", f"users/{number}")

    @asynccontextmanager
    async def realm(self, **changes: Any) -> AsyncIterator[None]:
        """Change settings of the realm for a while; what happened meanwhile is forgotten."""
        before = await self.administer("GET", "")
        await self.administer("PUT", "", json={**before, **changes})
        try:
            yield
        finally:
            await self.administer("PUT", "", json=before)
            await self.administer("DELETE", "events")

    async def client(self, **changes: Any) -> dict[str, Any]:
        """Change the hub's client, and return what it was."""
        (before,) = await self.administer("GET", "clients", params={"clientId": "genkan"})
        attributes = {**before["attributes"], **changes.pop("attributes", {})}
        await self.administer("PUT", f"clients/{before['id']}", json={**before, "attributes": attributes, **changes})
        known: dict[str, Any] = before
        return known

    async def let_in(self, hub: str) -> None:
        """Register the address of a hub."""
        await self.client(
            redirectUris=[f"{hub}hub/oauth_callback"],
            attributes={"post.logout.redirect.uris": f"{hub}hub/login"},
        )


@contextmanager
def running(home: Path, folder: Path) -> Iterator[Keycloak]:
    """Run a prepared Keycloak with a database of its own; whoever uses it waits until it is ready."""
    laid_out = lay_out(home, folder)
    with Launch(laid_out, log=folder / "keycloak.log", environment=os.environ) as launch, Door(launch.port) as door:
        yield Keycloak(launch, door)
