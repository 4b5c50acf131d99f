"""What forms share between users and keep between requests, and that nobody sees anything of anybody else."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from traitlets.config import Config

from genkan_profiles.language.sentences import say
from genkan_spawner import GenkanSpawner, offering
from genkan_spawner.aftermath import Aftermath
from genkan_spawner.drawings import drawings
from genkan_spawner.forecast import FRESH, TRY_AGAIN, Forecasts
from genkan_spawner.hub_view import Standing
from genkan_spawner.kinds import CLAIMS, PODS
from genkan_spawner.offering import catalogue_source

from ..support.cards import card_text
from ..support.objects import pod
from ..support.spawner import MakeSpawner, spawners
from .catalogues import LAB, RICH, VISION, joined
from .stage import GPU, NAMESPACE, Clock, Stage, stage
from .test_form import Form

ONE_IMAGE = """\
images:
  - {slug: one, display_name: One, image: "registry.example.org/one:1"}
"""

TWO_IMAGES = (
    ONE_IMAGE
    + """\
  - {slug: two, display_name: Two, image: "registry.example.org/two:1", default: true}
"""
)

SMALL = (
    """\
hardware:
  - {slug: small, display_name: Small, cpu: 1, memory: 2Gi}
  - {slug: card, display_name: Card, cpu: 2, memory: 8Gi, gpu: {count: 1}, default: true}
"""
    + TWO_IMAGES
)

OWN_IMAGE = "registry.example.org/own/secret:1"


@pytest.fixture
async def play(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with stage(monkeypatch) as playing:
        yield playing


@pytest.fixture
def clock(play: Stage) -> Clock:
    play.view.forecasts = Forecasts(play.view.cache, clock=play.clock)
    return play.clock


@pytest.fixture
async def make(play: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeSpawner]:
    assert play.view.sees_pods(NAMESPACE)
    async with spawners(tmp_path, monkeypatch) as (_, made):
        yield made


@pytest.fixture
def small(tmp_path: Path) -> str:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    return str(file)


@pytest.fixture
def rich(tmp_path: Path) -> str:
    file = tmp_path / "rich.yaml"
    file.write_text(RICH)
    return str(file)


@pytest.fixture
def forget(monkeypatch: pytest.MonkeyPatch, play: Stage) -> Callable[[], None]:
    """Make all that is kept between forms vanish."""

    def forgotten() -> None:
        monkeypatch.setattr(offering, "_offerings", {})
        drawings.cache_clear()
        play.view.forecasts = Forecasts(play.view.cache)

    forgotten()
    return forgotten


@pytest.fixture
def ageless(monkeypatch: pytest.MonkeyPatch, play: Stage) -> None:
    """Keep the age of the data from running on: nothing else may differ between two forms."""
    monkeypatch.setattr(play.view, "standing", lambda: Standing(known=True, age=0))


def named(spawner: GenkanSpawner, name: str) -> GenkanSpawner:
    """Give a spawner's user another name."""
    user: Any = spawner.user
    user.name = user.escaped_name = name
    return spawner


def change(file: str, old: str, new: str) -> None:
    path = Path(file)
    path.write_text(path.read_text().replace(old, new))
    catalogue_source(file)._looked_at = float("-inf")


def told(page: str, slug: str) -> str:
    """Return what a card says of its start."""
    card = card_text(page, slug)
    return f"{card.pill}. {card.reason}"


@pytest.mark.usefixtures("ageless")
async def test_what_a_user_sees_never_depends_on_who_asked_before(
    make: MakeSpawner, rich: str, forget: Callable[[], None]
) -> None:
    groups = [(), (VISION,), (LAB,), (VISION, LAB)]
    choices: list[dict[str, Any]] = [
        {},
        {"profile": "cpu", "image": "plain", "priority": "normal"},
        {"profile": "cpu", "image": "pytorch", "priority": "normal"},
        {"profile": "slice", "image--unlisted-choice": OWN_IMAGE.replace("secret", "other")},
        {"profile": "slice", "image--unlisted-choice": OWN_IMAGE},
        {"profile": "old", "team": "lab"},
        {"profile": "gone"},
    ]
    ends = [None, Aftermath(say("Bob's server ended."), datetime(2026, 11, 1, tzinfo=UTC))]
    users = [
        joined(make(catalogue_file=rich, user_options=chosen), *names)
        for names, chosen in itertools.product(groups, choices)
    ]
    for user, end in zip(users, itertools.cycle(ends), strict=False):
        user.aftermath = end
    alone = []
    for user in users:
        forget()
        alone.append(str(await user.get_options_form()))

    forget()
    for user, page in [*zip(users, alone, strict=True), *reversed(list(zip(users, alone, strict=True)))]:
        assert str(await user.get_options_form()) == page

    assert len(set(alone)) > len(users) / 2
    secret = [OWN_IMAGE in page for page in alone]
    allowed = [VISION in names and OWN_IMAGE in chosen.values() for names, chosen in itertools.product(groups, choices)]
    assert secret == allowed
    assert ["Bob&#39;s server ended." in page for page in alone] == [user.aftermath is not None for user in users]


async def test_an_administrators_note_stays_with_the_administrator(make: MakeSpawner, small: str) -> None:
    user = make(catalogue_file=small)
    str(await user.get_options_form())
    change(small, "cpu: 1,", "cpu: <b>,")
    user.handler = SimpleNamespace(current_user=SimpleNamespace(admin=True))
    seen_by_an_administrator = str(await user.get_options_form())
    user.handler = SimpleNamespace(current_user=SimpleNamespace(admin=False))

    assert "The catalogue has an error." in seen_by_an_administrator
    assert "The catalogue has an error." not in str(await user.get_options_form())
    assert "The catalogue has an error." not in str(await make(catalogue_file=small).get_options_form())


@pytest.mark.usefixtures("ageless")
async def test_who_joins_or_leaves_a_group_sees_it_at_the_next_form(make: MakeSpawner, rich: str) -> None:
    alice, bob = make(catalogue_file=rich), make(catalogue_file=rich)
    before = str(await alice.get_options_form())
    assert 'value="slice"' in str(await joined(alice, VISION).get_options_form())
    assert str(await bob.get_options_form()) == before
    assert str(await joined(alice).get_options_form()) == before


async def test_a_new_catalogue_is_on_the_next_form_with_verdicts_of_its_own(make: MakeSpawner, small: str) -> None:
    alice = make(catalogue_file=small, user_options={"profile": "card", "image": "one"})
    assert "Starts now" in told(str(await alice.get_options_form()), "card")

    change(small, "display_name: Card, cpu: 2", "display_name: Two cards, cpu: 2")
    change(small, "gpu: {count: 1}", "gpu: {count: 2}")
    page = str(await alice.get_options_form())

    assert "Two cards" in page
    assert "This needs 2 GPUs, and the largest machine has 1." in told(page, "card")


async def test_a_change_in_the_cluster_is_on_the_forms_of_all(
    make: MakeSpawner, small: str, play: Stage, clock: Clock
) -> None:
    alice, bob = make(catalogue_file=small), make(catalogue_file=small, user_options={"profile": "small"})

    async def say(words: str) -> None:
        for user in (alice, bob):
            assert words in told(str(await user.get_options_form()), "card")

    await say("Starts now")
    play.cluster.put(PODS, pod("job", node="a", requests={GPU: "1"}))
    await play.seen(lambda: any(len(view.pods) for view in play.view.cache.snapshot().nodes.values()))
    await say("Starts now")  # for half a second
    clock.now += FRESH
    await say("The only GPU that this could use is in use.")

    await play.blind()
    clock.now += FRESH
    await say("Not known")


OWN = 'own_image: {display_name: Own, pattern: "registry.example.org/own/.+", message: Own.}\n'
NEEDY = TWO_IMAGES.replace("default: true", "default: true, min_driver: '999'")


@pytest.mark.parametrize(
    ("images", "count", "locked"),
    [
        (ONE_IMAGE, 7, ["card"]),
        (TWO_IMAGES, 7, ["card"]),
        (ONE_IMAGE + OWN, 7, ["card"]),
        (NEEDY, 7, ["card"]),
        (NEEDY, 1, []),
        (NEEDY.partition("  - {slug: two")[0].replace("One,", "One, min_driver: '999',") + OWN, 1, []),
    ],
    ids=["one image", "alike", "own image", "unlike", "another works", "own image may work"],
)
async def test_a_refused_card_is_locked_only_where_nothing_on_it_would_start(
    make: MakeSpawner, small: str, play: Stage, *, images: str, count: int, locked: list[str]
) -> None:
    await play.label("a", {"nvidia.com/cuda.driver-version.full": "580.65.06"})
    change(small, TWO_IMAGES, images)
    change(small, "gpu: {count: 1}", f"gpu: {{count: {count}}}")
    page = str(await make(catalogue_file=small, user_options={"profile": "small"}).get_options_form())

    assert card_text(page, "card").state == "refused"
    assert [given["value"] for given in Form(page).every("input") if "disabled" in given] == locked


async def test_the_last_choice_stays_chosen_though_it_is_locked(make: MakeSpawner, small: str) -> None:
    change(small, "gpu: {count: 1}", "gpu: {count: 7}")
    form = Form(str(await make(catalogue_file=small, user_options={"profile": "card"}).get_options_form()))

    assert form.selected["profile"] == "card"
    assert not any("disabled" in given for given in form.every("input"))


async def test_verdicts_stay_as_long_as_the_cluster_stays_as_it_is(
    make: MakeSpawner, small: str, play: Stage, clock: Clock
) -> None:
    user = make(catalogue_file=small)
    str(await user.get_options_form())
    look = play.view.forecasts._look
    for _ in range(3):
        clock.now += FRESH
        str(await user.get_options_form())
        assert play.view.forecasts._look is look

    play.cluster.put(PODS, pod("job", node="a"))
    await play.seen(lambda: any(len(view.pods) for view in play.view.cache.snapshot().nodes.values()))
    clock.now += FRESH
    str(await user.get_options_form())

    assert play.view.forecasts._look is not look


async def test_the_age_of_what_is_shown_is_told_anew_on_each_form(
    make: MakeSpawner, small: str, play: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make(catalogue_file=small)
    for age, words in (
        (0, "As of now"),
        (7, "Last news from the cluster: 7 seconds ago"),
        (8, "Last news from the cluster: 8 seconds ago"),
    ):
        monkeypatch.setattr(play.view, "standing", lambda age=age: Standing(known=True, age=age))
        assert f">{words}</span>" in str(await user.get_options_form())


async def test_a_hook_of_the_site_may_ask_for_something_else_for_each_user(make: MakeSpawner, small: str) -> None:
    def hook(spawner: GenkanSpawner, manifest: Any) -> Any:
        if spawner.user.name == "alice":
            manifest.spec.containers[0].resources.limits[GPU] = "7"
            manifest.spec.containers[0].resources.requests[GPU] = "7"
        return manifest

    config = Config()
    config.GenkanSpawner.modify_pod_hook = hook
    alice, bob = make(config, catalogue_file=small), named(make(config, catalogue_file=small), "bob")

    for _ in range(2):
        assert "This needs 7 GPUs" in told(str(await alice.get_options_form()), "card")
        assert "Starts now" in told(str(await bob.get_options_form()), "card")


async def test_what_fails_once_is_tried_again_and_not_on_each_form(
    make: MakeSpawner, small: str, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    down = True

    def hook(_: GenkanSpawner, manifest: Any) -> Any:
        if down:
            raise OSError
        return manifest

    config = Config()
    config.GenkanSpawner.modify_pod_hook = hook
    user = make(config, catalogue_file=small)
    for _ in range(3):
        assert "genkan-pill" not in str(await user.get_options_form())
    failures = [row for row in caplog.records if "modify_pod_hook" in row.getMessage()]
    assert len(failures) == len(("small", "card"))

    down = False
    clock.now += TRY_AGAIN
    assert "Starts now" in told(str(await user.get_options_form()), "card")


@pytest.mark.parametrize(
    "volumes",
    [
        [{"name": "data", "persistentVolumeClaim": {"claimName": "data-{username}"}}],
        {"data": {"name": "data", "persistent_volume_claim": {"claimName": "data-{username}"}}},
    ],
    ids=["list", "dictionary"],
)
async def test_a_claim_of_one_user_decides_no_other_users_cards_and_is_not_named_on_them(
    make: MakeSpawner, small: str, play: Stage, volumes: Any
) -> None:
    config = Config({"GenkanSpawner": {"namespace": NAMESPACE, "volumes": volumes}})
    alice, bob = make(config, catalogue_file=small), named(make(config, catalogue_file=small), "bob")
    claim = {"metadata": {"name": "data-bob", "namespace": NAMESPACE}, "spec": {}, "status": {"phase": "Bound"}}
    play.cluster.put(CLAIMS, claim)
    await play.seen(lambda: (NAMESPACE, "data-bob") in play.view.cache.snapshot().storage.claims)

    assert "The storage data-alice" in told(str(await alice.get_options_form()), "card")
    assert "Starts now" in told(str(await bob.get_options_form()), "card")


async def test_what_a_site_gives_a_group_is_on_the_cards_of_its_members(make: MakeSpawner, small: str) -> None:
    more = {"groups": [VISION], "spawner_override": {"extra_resource_limits": {"example.com/licence": "1"}}}
    config = Config({"GenkanSpawner": {"group_overrides": {"01": more}}})
    alice, bob = make(config, catalogue_file=small), make(config, catalogue_file=small)

    assert "Starts now" in told(str(await bob.get_options_form()), "small")
    assert "This needs 1 device licence" in told(str(await joined(alice, VISION).get_options_form()), "small")
    assert "Starts now" in told(str(await joined(alice).get_options_form()), "small")


async def test_who_asked_first_is_not_whom_verdicts_are_about(
    make: MakeSpawner, small: str, play: Stage, clock: Clock
) -> None:
    alice, bob = make(catalogue_file=small), named(make(catalogue_file=small), "bob")
    str(await alice.get_options_form())
    play.cluster.put(PODS, pod(alice.pod_name, namespace=NAMESPACE, requests={GPU: "1"}))
    await play.seen(lambda: play.view.cache.snapshot().pending)
    clock.now += FRESH

    assert "Starts now" not in told(str(await bob.get_options_form()), "card")


async def test_a_crowd_makes_one_pod_of_each_card_and_who_leaves_spoils_nothing(
    make: MakeSpawner, small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[dict[str, str]] = []
    twin = GenkanSpawner.twin

    def counted(self: GenkanSpawner, options: Any) -> GenkanSpawner:
        made.append(dict(options))
        return twin(self, options)

    gate = asyncio.Event()

    async def hook(_: GenkanSpawner, manifest: Any) -> Any:
        await gate.wait()
        return manifest

    monkeypatch.setattr(GenkanSpawner, "twin", counted)
    config = Config()
    config.GenkanSpawner.modify_pod_hook = hook
    crowd = [asyncio.create_task(make(config, catalogue_file=small).get_options_form()) for _ in range(20)]
    while not made:
        await asyncio.sleep(0)
    crowd[0].cancel()
    await asyncio.wait(crowd[:1])
    gate.set()

    pages = [str(page) for page in await asyncio.gather(*crowd[1:])]

    assert len(set(pages)) == 1
    assert "Starts now" in told(pages[0], "card")
    assert [row["profile"] for row in made] == ["small", "card"]


async def test_a_group_that_is_left_meanwhile_spoils_nothing_for_its_members(
    make: MakeSpawner, rich: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    twin = GenkanSpawner.twin

    def leaving(self: GenkanSpawner, options: Any) -> GenkanSpawner:
        return twin(joined(self), options)

    monkeypatch.setattr(GenkanSpawner, "twin", leaving)
    str(await joined(make(catalogue_file=rich), VISION).get_options_form())

    page = str(await joined(make(catalogue_file=rich), VISION).get_options_form())

    assert told(page, "slice")


async def test_the_hub_does_other_things_while_many_verdicts_are_reached(
    make: MakeSpawner, rich: str, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genkan_spawner.forecast._AT_A_TIME", 0.0)
    user = joined(make(catalogue_file=rich), VISION)
    str(await user.get_options_form())
    user.view.forecasts._look = None
    clock.now += FRESH
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(other())
    str(await user.get_options_form())
    others.cancel()

    assert turns >= 4, "once for each card"


async def test_what_is_kept_has_bounds(make: MakeSpawner, small: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offering, "_offerings", {})
    monkeypatch.setattr(offering, "MOST_OFFERINGS", 3)
    monkeypatch.setattr(offering, "MOST_CHOICES", 2)
    user = make(catalogue_file=small)
    for number in range(5):
        change(small, "Small" if number == 0 else f"Size {number - 1}", f"Size {number}")
        for chosen in ("one", "two", "one", "gone"):
            for profile in ("small", "card"):
                user.user_options = {"profile": profile, "image": chosen}
                assert f"Size {number}" in str(await user.get_options_form())

    assert len(offering._offerings) == 3
    assert [len(kept._chosen) for kept in offering._offerings.values()] == [2, 2, 2]


async def test_the_list_of_a_site_is_read_anew_each_time(make: MakeSpawner) -> None:
    rows = [{"display_name": "First"}, {"display_name": "Second"}]
    user = make(profile_list=lambda _: rows)
    assert "First" in str(await user.get_options_form())
    rows[0]["display_name"] = "Third"

    page = str(await user.get_options_form())

    assert "Third" in page
    assert "First" not in page


async def test_pages_that_only_ask_whether_there_is_a_form_render_none(make: MakeSpawner, small: str) -> None:
    user = make(catalogue_file=small)

    assert callable(user.options_form), "JupyterHub's pages ask each time, and a text would be rendered for each"
    assert not user.view.forecasts._attempts
