import logging
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_hub.sign_in.claims import LONGEST_NAME, claim_at, groups_at, is_usable_name

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("claims", "path", "groups"),
    [
        ({"groups": ["vision", "language"]}, "groups", {"vision", "language"}),
        ({"groups": ["/vision", "/research/vision"]}, "groups", {"vision", "research/vision"}),
        ({"groups": "vision"}, "groups", {"vision"}),
        ({"groups": []}, "groups", set()),
        ({}, "groups", set()),
        ({"groups": None}, "groups", set()),
        ({"realm_access": {"roles": ["gpu"]}}, "realm_access.roles", {"gpu"}),
        ({"realm_access": ["roles"]}, "realm_access.roles", set()),
        ({"https://example.org/groups": ["vision"]}, "https://example.org/groups", {"vision"}),
        ({"roles": {"vision": {"org": "lab"}}}, "roles", {"vision"}),
        ({"groups": ["CN=Vision,OU=Lab", "研究", "a b"]}, "groups", {"CN=Vision,OU=Lab", "研究", "a b"}),
        ({"groups": ["", "/", " padded", "a\nb", "a\u202eb", "x" * 256, 7, None, ["vision"]]}, "groups", set()),
        ({"groups": 7}, "groups", set()),
    ],
)
def test_groups_are_read_as_providers_write_them(claims: dict[str, Any], path: str, groups: set[str]) -> None:
    assert groups_at(claims, path) == groups


def test_a_claim_that_is_missing_is_told_with_those_that_there_are(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    groups_at({"sub": "secret-number", "roles": ["gpu"]}, "groups")
    assert "There is no claim groups with groups; there are: roles, sub" in caplog.text
    assert "secret-number" not in caplog.text


@given(st.dictionaries(st.text(max_size=8), ANYTHING, max_size=4), st.text(max_size=12))
def test_whatever_claims_are_made_of_groups_are_printable_names(claims: dict[str, Any], path: str) -> None:
    claim_at(claims, path)
    for key in claims:
        for name in groups_at(claims, key):
            assert name
            assert name.isprintable()


@pytest.mark.parametrize(
    ("name", "usable"),
    [
        ("alice", True),
        ("o'brien", True),
        ("lab\\alice", True),
        ("alice@example.org", True),
        ("山田 太郎", True),
        ("../../etc", True),  # JupyterHub refuses the slash
        ("", False),
        ("a\nb", False),
        ("al\u200bice", False),
        ("al\u202eice", False),
        ("x" * (LONGEST_NAME + 1), False),
    ],
)
def test_names_with_invisible_characters_are_not_usable(name: str, *, usable: bool) -> None:
    assert is_usable_name(name) is usable
