import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from genkan_profiles.language.sentences import say
from genkan_profiles.language.translations import language
from genkan_spawner.aftermath import Aftermath
from genkan_spawner.following.endings import Ending
from genkan_spawner.reasons import Reason

THEN = datetime(2026, 9, 1, 14, 2, tzinfo=UTC)
NOW = THEN + timedelta(hours=3)


def test_an_end_is_told_with_its_own_time() -> None:
    found = Aftermath.of(Ending(Reason.PRIORITY, say("It made room."), THEN), now=NOW)

    assert (found.sentence, found.at) == ("It made room.", THEN)


def test_an_end_without_a_time_was_noticed_just_now() -> None:
    assert Aftermath.of(Ending(Reason.CAPACITY, say("It went.")), now=NOW).at == NOW


def test_a_server_that_nobody_used_is_told_for_how_long() -> None:
    found = Aftermath.idle(timedelta(minutes=61, seconds=30), now=NOW)

    assert found == Aftermath(say("The server was stopped after nobody had used it for 61 minutes."), NOW)


def test_it_outlives_the_hub() -> None:
    kept = Aftermath(say("It made room."), THEN)

    assert Aftermath.from_state(json.loads(json.dumps(kept.to_state()))) == kept


@pytest.mark.parametrize(
    "state",
    [
        None,
        "garbage",
        7,
        [],
        {},
        {"sentence": "x"},
        {"at": "2026-09-01T14:02:00+00:00"},
        {"sentence": "x", "at": None},
        {"sentence": "x", "at": "yesterday"},
        {"sentence": "x", "at": 12},
        {"sentence": None, "at": "2026-09-01T14:02:00+00:00"},
        {"sentence": ["x"], "at": "2026-09-01T14:02:00+00:00"},
        {"sentence": "", "at": "2026-09-01T14:02:00+00:00"},
    ],
)
def test_what_is_no_end_is_read_as_none(state: Any) -> None:
    assert Aftermath.from_state(state) is None


def test_the_time_is_told_for_people_anywhere() -> None:
    kept = Aftermath(say("It went."), THEN.astimezone(timezone(timedelta(hours=9))))

    assert language("en").moment(kept.at) == "September 1, 14:02 UTC"


def test_a_time_without_a_zone_is_not_taken_for_one_of_this_machine() -> None:
    found = Aftermath.from_state({"sentence": "x", "at": "2026-09-01T14:02:00"})

    assert found is not None
    assert found.at == THEN


def test_an_administrator_who_stops_a_server_is_named_with_their_word() -> None:
    told = Aftermath.dismissal("carol", "Maintenance tonight.", now=NOW)
    assert told.sentence == "carol stopped the server. This is what they wrote: Maintenance tonight."
    assert Aftermath.dismissal("carol", "", now=NOW).sentence == "carol stopped the server."
    assert Aftermath.from_state(told.to_state()) == told
