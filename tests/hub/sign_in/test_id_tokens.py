from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_hub.sign_in.id_tokens import LEEWAY, ClockError, IdTokenError, check, read

NOW = 1_800_000_000.0
ISSUER = "https://sso.example.org/realms/lab"
GOOD = {"iss": ISSUER, "aud": "genkan", "azp": "genkan", "sub": "1", "iat": NOW, "exp": NOW + 300}


def checked(now: float = NOW, **changes: Any) -> None:
    check({**GOOD, **changes}, issuer=ISSUER, client_id="genkan", now=now)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"aud": ["account", "genkan"]},
        {"iss": f"{ISSUER}/"},
        {"nbf": NOW - 5},
        {"iat": NOW - 200, "exp": NOW - 200},
        {"iat": NOW + 200, "exp": NOW + 500},
    ],
)
def test_a_token_for_this_hub_is_believed(changes: dict[str, Any]) -> None:
    checked(**changes)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"aud": "other"}, "for another client"),
        ({"aud": ["other"]}, "for another client"),
        ({"aud": None}, "for another client"),
        ({"azp": "other"}, "issued to another client"),
        ({"iss": "https://evil.example"}, "and not from"),
        ({"iss": None}, "and not from"),
        ({"sub": None}, "of whom"),
        ({"exp": None}, r"when it is good \(exp\)"),
        ({"iat": "today"}, r"when it is good \(iat\)"),
        ({"nbf": True}, r"when it is good \(nbf\)"),
    ],
)
def test_a_token_for_others_is_not_believed(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(IdTokenError, match=reason):
        checked(**changes)


def test_without_an_issuer_any_is_taken() -> None:
    check({**GOOD, "iss": "https://elsewhere.example"}, issuer="", client_id="genkan", now=NOW)


@given(st.floats(min_value=-1e6, max_value=1e6), st.floats(min_value=60, max_value=3600))
def test_clocks_may_differ_by_the_leeway_and_more_is_told(ahead: float, lifetime: float) -> None:
    claims = {"iat": NOW, "exp": NOW + lifetime}
    if -LEEWAY <= ahead <= lifetime + LEEWAY:
        checked(NOW + ahead, **claims)
    else:
        with pytest.raises(ClockError) as e:
            checked(NOW + ahead, **claims)
        assert e.value.seconds == pytest.approx(ahead, abs=1)


def test_a_token_is_read_whatever_signed_it() -> None:
    assert read(jwt.encode({"sub": "1"}, "k" * 32)) == {"sub": "1"}


@given(st.one_of(st.none(), st.integers(), st.text(), st.binary(), st.just("a.b.c"), st.just("W10.W10.W10")))
def test_what_is_no_token_is_refused_without_being_repeated(token: Any) -> None:
    with pytest.raises(IdTokenError, match=r"^what should be an ID token is none \(\w+\)$"):
        read(token)
