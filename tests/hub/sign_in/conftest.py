import os
from collections.abc import Iterator
from typing import Any, Protocol

import pytest
from jupyterhub.crypto import CryptKeeper
from traitlets.config import Config

from genkan_hub.sign_in.authenticator import SignIn
from genkan_hub.sign_in.openid import OpenIDAuthenticator

GOOD: dict[str, Any] = {
    "issuer": "https://sso.example.org/realms/lab",
    "client_id": "genkan",
    "client_secret": "sesame",
    "login_service": "Keycloak",
    "allowed_groups": {"vision"},
}


class Make(Protocol):
    """Make an authenticator; what is not given is good."""

    def __call__(self, cls: type[SignIn] = OpenIDAuthenticator, **settings: Any) -> Any: ...


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A key to encrypt with, which the hub of a test may not remember from another."""
    for name in [name for name in os.environ if name.startswith(("OAUTH", "GITHUB", "GOOGLE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JUPYTERHUB_CRYPT_KEY", "ab" * 32)
    CryptKeeper.clear_instance()
    yield
    CryptKeeper.clear_instance()


@pytest.fixture
def make() -> Make:
    def make(cls: type[SignIn] = OpenIDAuthenticator, **settings: Any) -> Any:
        known = cls.class_traits(config=True)
        given = {name: value for name, value in GOOD.items() if name in known} | settings
        return cls(config=Config({cls.__name__: given}))

    return make
