"""A sandbox whose users come from a real Keycloak."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from .hub import Person
from .keycloak import Keycloak
from .sandbox import SandboxRun, sandbox_run
from .visitor import Visitor

CONTACT = "gpu-help@example.org"

GRACE = 60
"""Seconds for which servers are started while Keycloak does not answer."""

WITHIN = 60

# The provider is asked at each page, a second after the last time, and is not waited for as long as elsewhere. Servers
# ask the hub at once, too, who their visitors are.
_CONFIG = """
import time
from pathlib import Path
from genkan_hub import sign_in_with
from genkan_hub.sign_in.openid import OpenIDAuthenticator


class TravellingAuthenticator(OpenIDAuthenticator):
    def now(self):
        return time.time() + float(Path({clock!r}).read_text())


sign_in_with(
    c,
    "openid",
    issuer={issuer!r},
    client_id="genkan",
    client_secret_file={secret!r},
    login_service="Keycloak",
    contact={contact!r},
    allowed_groups={{"vision", "language"}},
    admin_groups={{"admins"}},
    auth_refresh_age=1,
    outage_grace={grace},
    http_request_kwargs={{"request_timeout": 3}},
)
c.JupyterHub.authenticator_class = TravellingAuthenticator
c.GenkanSpawner.args = ["--HubOAuth.cache_max_age=1"]
"""


@dataclass(frozen=True, slots=True)
class SignInHub:
    """The hub, its provider, and what a test can turn at it."""

    run: SandboxRun
    keycloak: Keycloak
    folder: Path

    @property
    def url(self) -> str:
        """Where the hub answers."""
        return self.run.url

    @property
    def log(self) -> str:
        """What the hub has logged so far."""
        return (self.run.state / "logs" / "hub.log").read_text()

    @contextmanager
    def clock_ahead_by(self, seconds: float) -> Iterator[None]:
        """Put the hub's clock forward, or back, for a while."""
        (self.folder / "clock").write_text(str(seconds))
        try:
            yield
        finally:
            (self.folder / "clock").write_text("0")

    @contextmanager
    def secret(self, text: str) -> Iterator[None]:
        """Give the hub another secret for a while."""
        path = self.folder / "secret"
        before = path.read_text()
        path.write_text(text)
        try:
            yield
        finally:
            path.write_text(before)

    @asynccontextmanager
    async def visit(self, name: str) -> AsyncIterator[tuple[Visitor, Person]]:
        """Sign in, and leave no server behind."""
        async with Visitor.at(self.url) as visitor:
            person = await visitor.become(name)
            try:
                yield visitor, person
            finally:
                for server in await person.servers():
                    await person.stop(server)


@contextmanager
def sign_in_hub(folder: Path, keycloak: Keycloak) -> Iterator[SignInHub]:
    """Start a sandbox with the site `datacenter`, whose catalogue keeps some rows for groups."""
    (folder / "secret").write_text("only-for-trying\n")
    (folder / "clock").write_text("0")
    values = {"clock": str(folder / "clock"), "secret": str(folder / "secret"), "issuer": keycloak.issuer}
    config = folder / "jupyterhub_config.py"
    config.write_text(_CONFIG.format(contact=CONTACT, grace=GRACE, **values))
    with sandbox_run(folder / "state", "--hub-config", str(config)) as run:
        run.wait_ready()
        keycloak.wait_ready()
        asyncio.run(keycloak.let_in(run.url))
        yield SignInHub(run, keycloak, folder)


async def until(come_true: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for a condition, and fail with its name where it does not come true."""
    try:
        async with asyncio.timeout(WITHIN):
            while not await come_true():
                await asyncio.sleep(0.1)
    except TimeoutError:
        pytest.fail(f"Not within {WITHIN} s: {what}")
