import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_hub.sign_in import pending

ID = "0123456789abcdef" * 2


def state(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


def test_each_sign_in_has_a_cookie_of_its_own() -> None:
    assert pending.cookie_of(state({"state_id": ID})) == f"oauthenticator-state-{ID}"
    assert pending.next_url(state({"state_id": ID, "next_url": "/hub/spawn"})) == "/hub/spawn"
    assert pending.next_url(state({"state_id": ID, "next_url": None})) == ""


@pytest.mark.parametrize(
    "text",
    ["", "e30=", "ä", "!", "W10=", state([]), state({"state_id": 7}), state({"state_id": "../x"}), state({})],
)
def test_a_state_that_somebody_else_wrote_has_no_cookie(text: str) -> None:
    assert pending.cookie_of(text) is None


@given(st.text(max_size=60))
def test_any_text_may_come_as_a_state(text: str) -> None:
    assert pending.cookie_of(text) is None


def test_room_is_made_only_when_there_are_too_many() -> None:
    others = ["_xsrf", "jupyterhub-session-id"]
    begun = [f"{pending.PREFIX}{number}" for number in range(pending.MOST)]
    assert pending.too_many([*others, *begun[1:]]) == []
    assert pending.too_many([*others, *begun]) == begun
