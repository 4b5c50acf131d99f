import re
import unicodedata
from pathlib import PurePosixPath
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from kubespawner.slugs import escape_slug

from genkan_profiles import Home, HomeError, Homes, home_of
from genkan_profiles.home_names import LONGEST_NAME, escaped_name, stable_name, user_folder

HOSTILE = [
    "../../etc",
    "..",
    ".",
    "/",
    "~root",
    "Alice",
    "ALICE",
    "alice ",
    " alice",
    "caf\u00e9",
    "cafe\u0301",
    "\u212bngstr\u00f6m",
    "\u00c5ngstro\u0308m",
    "a" * 255,
    "\u30c7" * 255,
    "-",
    "--",
    "a--b",
    "a---0123abcd",
    "a.smith",
    "a-2esmith",
    "a_smith",
    "a%2esmith",
    "user@example.org",
    "$(reboot)",
    "`reboot`",
    "{username}",
    "a\nb",
    "\0",
    "\u202ealice",
    "\ud800",
    "",
]


def shared(**fields: Any) -> Homes:
    return Homes.model_validate({"kind": "shared", "claim": "homes", **fields})


def names() -> st.SearchStrategy[str]:
    """Names of users: of any characters, and of few, so that many are nearly the same."""
    near = st.text("aA-._%2e\u00e9e\u0301/", max_size=8)
    return st.text(max_size=255) | near | near.map(stable_name) | near.map(escaped_name) | st.sampled_from(HOSTILE)


@given(names())
def test_any_name_becomes_one_that_every_system_takes(user: str) -> None:
    for longest in (LONGEST_NAME, 58):
        assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", name := stable_name(user, longest=longest))
        assert len(name) <= longest
        assert name == stable_name(user, longest=longest)


@given(st.lists(names(), unique=True, max_size=20))
@example(HOSTILE)
@example([*HOSTILE, *map(stable_name, HOSTILE), *map(escaped_name, HOSTILE)])
def test_no_two_users_have_the_same_home(users: list[str]) -> None:
    different = set(users)
    for homes in (shared(), shared(names="escaped"), Homes.model_validate({"kind": "claim"})):
        found = {user: home for user in different if (home := given_home(homes, user))}
        assert len({(home.claim, home.path) for home in found.values()}) == len(found)


@given(names())
@example("a" * 63)
def test_a_home_is_a_folder_right_within_that_of_homes(user: str) -> None:
    for names_as in ("stable", "escaped"):
        home = given_home(shared(folder="people/of-2026", names=names_as), user)
        if home is not None:
            path = PurePosixPath(home.path or "")
            assert path.parent == PurePosixPath("people/of-2026")
            assert path.name not in {"", ".", ".."}
            assert len(path.name.encode()) <= 255


@given(names())
def test_folders_of_older_hubs_are_those_of_kubespawner(user: str) -> None:
    if user and user.isprintable():
        assert escaped_name(user) == escape_slug(user)


@given(st.from_regex(r"[a-z0-9]{1,20}(-[a-z0-9]{1,20}){0,2}", fullmatch=True))
@example("alice")
@example("a" * 63)
@example("0-0")
def test_plain_names_stay_as_they_are(user: str) -> None:
    if len(user) <= LONGEST_NAME:
        assert stable_name(user) == user


@pytest.mark.parametrize("user", ["Alice", "caf\u00e9", "a.smith", "a" * 64, "a--b", "..", "", "x--" + "a" * 26])
def test_others_have_a_hash_that_no_plain_name_has(user: str) -> None:
    readable, _, suffix = stable_name(user).rpartition("--")

    assert len(suffix) == 26
    assert readable
    assert stable_name(stable_name(user)) != stable_name(user)


def test_names_never_change() -> None:
    assert [stable_name(user) for user in ("alice", "Alice", "caf\u00e9", "a.smith@example.org", "\u30c7")] == [
        "alice",
        "alice--hpcrayuxhrcy2wtpfwgwjibder",
        "cafe--quhx3rbzcd7ysd4iphao2jx6nf",
        "a-smith-example-org--sqeqjwjyee56rhnye4fmtwwacg",
        "user--ngpuaxee3fby5qver7bci3uoee",
    ]


def test_the_claim_of_a_user_is_named_like_the_folder() -> None:
    homes = Homes.model_validate({"kind": "claim"})

    assert home_of(homes, "alice") == Home("alice", homes.kind, "home-alice", None)
    assert len(home_of(homes, "a" * 59).claim) == 63


def test_folders_that_are_given_by_name_come_first() -> None:
    homes = shared(folder="home", names="escaped", folders={"alice": "a.smith", "Bob": "students/bob"})

    assert [home_of(homes, user).path for user in ("alice", "Bob", "c.d")] == [
        "home/a.smith",
        "home/students/bob",
        "home/c-2ed",
    ]


@pytest.mark.parametrize("folder", ["bob", "bob/old"])
@pytest.mark.parametrize("names_as", ["stable", "escaped"])
def test_nobody_gets_a_folder_that_is_given_to_somebody_else(folder: str, names_as: str) -> None:
    homes = shared(names=names_as, folders={"alice": folder})

    with pytest.raises(HomeError) as caught:
        user_folder(homes, "bob")

    assert str(caught.value) == (
        "The folder bob for your home is given to another user. "
        "Administrators can give you one of your own in homes.folders."
    )
    assert user_folder(homes, "alice") == folder
    assert user_folder(shared(folders={"alice": folder, "bob": "alice"}), "bob") == "alice"


def test_a_name_too_long_for_a_folder_is_told() -> None:
    with pytest.raises(HomeError, match="too long for the name of a folder"):
        user_folder(shared(names="escaped"), "\u30c7" * 100)


def test_nobody_without_a_name_gets_the_folder_of_all() -> None:
    with pytest.raises(HomeError, match="without a name"):
        user_folder(shared(names="escaped"), "")


def given_home(homes: Homes, user: str) -> Home | None:
    """The home of a user, if there is one."""
    try:
        return home_of(homes, user)
    except HomeError:
        return None


def test_the_hostile_names_differ_in_every_way() -> None:
    folded = {unicodedata.normalize("NFC", user).casefold() for user in HOSTILE if user != "\ud800"}
    assert len(folded) < len(HOSTILE) - 1
