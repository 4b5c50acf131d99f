from typing import Any

import pytest

from genkan_hub.sign_in.addresses import is_protected
from genkan_hub.sign_in.discovery import ProviderDocument
from genkan_hub.sign_in.exceptions import UnavailableError

ISSUER = "https://sso.example.org/realms/lab"
ANSWER = {
    "issuer": ISSUER,
    "authorization_endpoint": f"{ISSUER}/auth",
    "token_endpoint": f"{ISSUER}/token",
    "userinfo_endpoint": f"{ISSUER}/userinfo",
    "code_challenge_methods_supported": ["plain", "S256"],
    "grant_types_supported": ["authorization_code"],
}


def test_a_description_is_read_for_what_is_used_of_it() -> None:
    document = ProviderDocument.of(ANSWER, issuer=f"{ISSUER}/")
    assert document.token_endpoint == f"{ISSUER}/token"
    assert document.end_session_endpoint is None
    assert document.challenges
    assert not ProviderDocument.of({**ANSWER, "code_challenge_methods_supported": ["plain"]}, issuer=ISSUER).challenges
    assert not ProviderDocument.of(
        {key: value for key, value in ANSWER.items() if "challenge" not in key}, issuer=ISSUER
    ).challenges


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "is no description of a provider"),
        ([], "is no description of a provider"),
        ({}, "authorization_endpoint: Field required"),
        ({**ANSWER, "token_endpoint": 7}, "token_endpoint: Input should be a valid string"),
        ({**ANSWER, "token_endpoint": "http://sso.example.org/token"}, "token_endpoint: .* must begin with https://"),
        ({**ANSWER, "issuer": "https://keycloak:8443/realms/lab"}, "describes the issuer 'https://keycloak:8443/"),
    ],
)
def test_what_describes_no_provider_or_another_one_is_told_with_what_is_wrong(answer: Any, reason: str) -> None:
    with pytest.raises(UnavailableError, match=reason):
        ProviderDocument.of(answer, issuer=ISSUER)


@pytest.mark.parametrize(
    ("address", "protected"),
    [
        ("https://sso.example.org/token", True),
        ("http://127.0.0.1:8080/token", True),
        ("http://[::1]:8080/token", True),
        ("http://localhost:8080/token", True),
        ("http://sso.example.org/token", False),
        ("http://127.0.0.1.example.org/token", False),
        ("http://localhost.example.org/token", False),
        ("https:///token", False),
        ("https://[", False),
        ("ftp://127.0.0.1", False),
        ("sso.example.org", False),
        ("", False),
    ],
)
def test_secrets_go_through_tls_or_stay_on_the_machine(address: str, *, protected: bool) -> None:
    assert is_protected(address) is protected
