"""The sample catalogue through the hub: who is offered what, and that nothing else can be had."""

import html
import json
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from genkan_profiles import SAMPLE
from genkan_spawner.kinds import CLAIMS, PODS

from ..support.cluster import Cluster
from ..support.hub import FormInputs, Person
from ..support.sandbox import SandboxRun
from .conftest import LogIn

EVERYBODY = {"cpu-small", "cpu-large", "gtx-1080", "v100-1", "v100-4", "a100-1", "a100-slice", "gpu-shared"}

UNTOUCHED = "untouched"
"""A server of which no earlier choice is remembered."""


@dataclass(frozen=True, slots=True)
class Offered:
    """What a form, or the command, offers; the first of a list is what is chosen without doing anything."""

    default: str
    images: dict[str, list[str]]
    priorities: list[str]
    default_priority: str
    teams: list[str]

    @classmethod
    def on_form(cls, form: FormInputs) -> "Offered":
        slugs = form.offered["profile"]

        def choices(option: str) -> dict[str, list[str]]:
            found = {slug: form.offered.get(f"profile-option-{slug}--{option}", []) for slug in slugs}
            for slug, values in found.items():
                if option != "priority" and values:
                    assert form.checked[f"profile-option-{slug}--{option}"] == values[0]
            return found

        (priorities,) = {tuple(values) for values in choices("priority").values()}
        (teams,) = {tuple(values) for values in choices("team").values()}
        (priority,) = {form.checked[f"profile-option-{slug}--priority"] for slug in slugs}
        return cls(form.checked["profile"], choices("image"), [*priorities], priority, [*teams])

    @classmethod
    def by_command(cls, groups: tuple[str, ...]) -> "Offered":
        words = [word for group in groups for word in ("--group", group)]
        shown = run_genkan("profiles", "show", str(SAMPLE), "--json", *words)
        for row in shown["hardware"]:
            assert row["default_image"] == row["images"][0]
        assert [number for number, row in enumerate(shown["teams"]) if row["default"]] in ([0], [])
        return cls(
            default=next(row["slug"] for row in shown["hardware"] if row["default"]),
            images={row["slug"]: row["images"] for row in shown["hardware"]},
            priorities=[row["slug"] for row in shown["priorities"]],
            default_priority=next(row["slug"] for row in shown["priorities"] if row["default"]),
            teams=[row["slug"] for row in shown["teams"]],
        )


def run_genkan(*words: str) -> dict[str, Any]:
    code = "from genkan_hub.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, check=True)
    shown: dict[str, Any] = json.loads(done.stdout)
    return shown


@pytest.mark.parametrize("name", ["alice", "bob", "carol", "dave"])
async def test_the_form_and_the_command_agree(sandbox: SandboxRun, log_in: LogIn, name: str) -> None:
    async with log_in(name) as person:
        assert Offered.on_form(await person.form(UNTOUCHED)) == Offered.by_command(sandbox.user(name).groups)


async def test_users_of_different_groups_are_offered_different_things(log_in: LogIn) -> None:
    offered = {}
    for name in ("alice", "bob", "carol", "dave"):
        async with log_in(name) as person:
            offered[name] = Offered.on_form(await person.form(UNTOUCHED))

    assert {name: set(row.images) - EVERYBODY for name, row in offered.items()} == {
        "alice": {"rtx-2080-ti"},
        "bob": {"a100-4"},
        "carol": set(),
        "dave": {"rtx-2080-ti", "a100-4"},
    }
    assert {name: row.teams for name, row in offered.items()} == {
        "alice": ["vision"],
        "bob": ["language"],
        "carol": [],
        "dave": ["vision", "language"],
    }
    assert {name: row.priorities for name, row in offered.items()} == {
        "alice": ["normal", "burst"],
        "bob": ["normal", "burst"],
        "carol": ["normal", "burst"],
        "dave": ["high", "normal", "burst"],
    }
    assert {row.default_priority for row in offered.values()} == {"normal"}
    assert offered["dave"].images["cpu-small"] == ["scipy", "pytorch", "tensorflow", "jax"]
    assert offered["dave"].images["gtx-1080"] == ["pytorch-24-12"]
    assert offered["dave"].images["v100-1"] == ["pytorch-24-12", "rapids"]


FORGED = [
    pytest.param({"profile": "a100-4"}, "There is no profile 'a100-4' here (offered: ", id="hardware of others"),
    pytest.param(
        {"profile": "gtx-1080", "image": "pytorch"},
        "'pytorch' is not offered as image on 1 ",
        id="image that the card cannot run",
    ),
    pytest.param(
        {"profile": "a100-1", "priority": "high"},
        "'high' is not offered as priority on 1 ",
        id="priority of others",
    ),
    pytest.param(
        {"profile": "a100-1", "team": "language"},
        "'language' is not offered as team on 1 ",
        id="team of others",
    ),
]


def offered_hardware(form: dict[str, str]) -> set[str]:
    """Return the hardware on which a form has something chosen."""
    return {name.removeprefix("profile-option-").partition("--")[0] for name in form if name != "profile"}


@pytest.mark.parametrize(("choice", "sentence"), FORGED)
async def test_what_others_are_offered_is_refused_with_a_sentence_and_nothing_is_created(
    alice: Person, cluster: Cluster, choice: dict[str, str], sentence: str
) -> None:
    before, form = await everything(cluster), (await alice.form()).checked
    answers = [
        await alice.submit(**choice),
        await alice.submit(**choice, name="second"),
        await alice.api("POST", "users/alice/server", json={"user_options": choice}),
        await alice.api("POST", "users/alice/server", json=choice),
        await alice.api("POST", "users/alice/servers/second", json={"user_options": choice}),
    ]
    for answer in answers:
        assert answer.status_code == httpx.codes.BAD_REQUEST, answer.text
        assert sentence in html.unescape(message(answer))
        assert "Traceback" not in answer.text
    assert await everything(cluster) == before
    after = (await alice.form()).checked
    # The hardware stays chosen where it is offered, as after any refusal; what is chosen on it does not.
    assert after.pop("profile") in offered_hardware(form)
    form.pop("profile")
    assert after == form


async def test_an_option_that_does_not_exist_is_refused(alice: Person, cluster: Cluster) -> None:
    before = await everything(cluster)
    for name in ("namespace", "volumes", "image--unlisted-choice", "cmd"):
        choice = {"profile": "cpu-small", name: "genkan"}
        answer = await alice.api("POST", "users/alice/server", json={"user_options": choice})
        assert answer.status_code == httpx.codes.BAD_REQUEST, answer.text
        assert f"{name!r} is nothing that can be chosen here" in message(answer)
    assert await everything(cluster) == before


def message(answer: httpx.Response) -> str:
    """Return what an answer tells, the text of a page or the message of the REST API."""
    if answer.headers["Content-Type"].startswith("application/json"):
        return str(answer.json()["message"])
    return answer.text


async def everything(cluster: Cluster) -> set[tuple[str, str, str]]:
    """Return all pods and claims of the cluster."""
    return {
        (kind.name, row["metadata"]["namespace"], row["metadata"]["name"])
        for kind in (PODS, CLAIMS)
        for row in await cluster.api.list(kind)
    }


async def test_a_server_runs_in_the_chosen_teams_namespace_and_each_has_a_home(log_in: LogIn, cluster: Cluster) -> None:
    async with log_in("dave") as dave:
        for team in ("language", "vision"):
            await dave.start(profile="cpu-small", team=team)
            (pod,) = await cluster.pods_of("dave")
            assert pod["metadata"]["namespace"] == team
            await dave.stop()
    homes = [
        row["metadata"]["namespace"] for row in await cluster.api.list(CLAIMS) if "dave" in row["metadata"]["name"]
    ]
    assert sorted(homes) == ["language", "vision"]


async def test_who_is_in_no_team_starts_in_the_hubs_own_namespace(log_in: LogIn, cluster: Cluster) -> None:
    async with log_in("carol") as carol:
        await carol.start(profile="cpu-small")
        (pod,) = await cluster.pods_of("carol")
        assert pod["metadata"]["namespace"] == cluster.namespace
        await carol.stop()
