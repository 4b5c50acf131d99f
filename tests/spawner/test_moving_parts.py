"""What on a form goes with the cluster: what is free, what a team has left, what would start instead."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from genkan_profiles.language.translations import language
from genkan_spawner import GenkanSpawner
from genkan_spawner.forecast import FRESH, Forecasts
from genkan_spawner.kinds import NODES, PODS, PRIORITY_CLASSES, QUOTAS

from ..support.cards import card_text
from ..support.objects import node, pod, priority_class, quota
from ..support.spawner import MakeSpawner, spawners
from .catalogues import LAB, VISION, joined
from .stage import GPU, Stage, stage

CATALOGUE = """\
hardware:
  - {slug: small, display_name: Small, cpu: 1, memory: 2Gi, default: true}
  - {slug: big, display_name: Big, cpu: 6, memory: 2Gi}
  - {slug: one, display_name: One <card>, cpu: 1, memory: 2Gi, gpu: {count: 1}}
  - {slug: two, display_name: Two cards, cpu: 1, memory: 2Gi, gpu: {count: 2}}
  - {slug: four, display_name: Four cards, cpu: 1, memory: 2Gi, gpu: {count: 4}}
images:
  - {slug: plain, display_name: Plain, image: "registry.example.org/plain:1"}
  - {slug: newest, display_name: Newest, image: "registry.example.org/new:1", min_driver: "999", groups: ["Lab 7"]}
priorities:
  - {slug: normal, display_name: Normal, priority_class: normal, default: true}
  - {slug: burst, display_name: Burst, priority_class: burst}
teams:
  - {group: vision, display_name: Vision, namespace: team-vision}
  - {group: "Lab 7", slug: lab, display_name: Laboratory, namespace: team-lab}
"""
GPUS = f"requests.{GPU}"
ENGLISH = language("en")


@pytest.fixture
async def play(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with stage(monkeypatch, gpus=2) as playing:
        playing.cluster.put(NODES, node("b", allocatable={"cpu": "2", "memory": "32Gi", "pods": "110", GPU: "2"}))
        for name, value in (("normal", 1000), ("burst", 10)):
            playing.cluster.put(PRIORITY_CLASSES, priority_class(name, value=value))
        for namespace in ("team-vision", "team-lab"):
            playing.cluster.put(QUOTAS, quota(namespace=namespace, hard={GPUS: "4", "pods": "9"}, used={GPUS: "1"}))
        playing.view.forecasts = Forecasts(playing.view.cache, clock=playing.clock)
        await playing.seen(
            lambda: len(playing.view.cache.snapshot().quotas) == 2 and len(playing.view.cache.snapshot().nodes) == 2
        )
        yield playing


@pytest.fixture
async def alice(play: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[GenkanSpawner]:
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE)
    async with spawners(tmp_path, monkeypatch) as (_, make):
        yield joined(make(catalogue_file=str(file)), VISION)


async def taken(play: Stage, node_name: str, gpus: int, *, cpu: str = "0") -> None:
    """Let other work take some of a machine."""
    name = f"job-{node_name}-{gpus}"
    play.cluster.put(PODS, pod(name, node=node_name, requests={GPU: str(gpus), "cpu": cpu}, priority=1000))
    await play.seen(lambda: any(one.name == name for one in play.view.cache.snapshot().nodes[node_name].pods))
    play.clock.now += FRESH


async def test_what_is_free_is_drawn_by_machine_and_said_in_words(alice: GenkanSpawner, play: Stage) -> None:
    await taken(play, "a", 1)

    page = str(await alice.form())

    assert card_text(page, "one").free == "3 of 4 free, up to 2 on one machine"
    assert '<span><i class="free"></i><i class="free"></i></span><span><i class="free"></i><i></i></span>' in page
    assert card_text(page, "small").free == ""
    assert "3 of 4 GPUs free on 2 machines" in page


async def test_what_a_team_has_left_stands_above_the_cards(alice: GenkanSpawner) -> None:
    page = str(await alice.form())

    assert "1 of 4 used, 3 left" in page
    assert "Vision" in page
    assert page.count('<section class="genkan-shares"') == 1
    assert page.index("genkan-shares") < page.index("genkan-hardware")

    both = str(await joined(alice, VISION, LAB).form())
    assert both.count('<section class="genkan-shares"') == 2


async def test_what_would_start_instead_is_the_nearest_that_is_smaller(alice: GenkanSpawner, play: Stage) -> None:
    page = str(await alice.form())
    assert card_text(page, "four").instead == "Two cards starts now"

    await taken(play, "a", 1)
    await taken(play, "b", 1)
    page = str(await alice.form())

    assert card_text(page, "four").instead == card_text(page, "two").instead == "One <card> starts now"
    assert 'href="?opt-profile=one&amp;opt-image=plain&amp;opt-priority=normal&amp;opt-team=vision"' in page
    assert "<card>" not in page


async def test_processors_are_not_named_instead_of_cards_nor_cards_of_processors(
    alice: GenkanSpawner, play: Stage
) -> None:
    await taken(play, "a", 2, cpu="4")
    await taken(play, "b", 2)

    page = str(await alice.form())

    assert card_text(page, "one").pill == "No room now"
    assert card_text(page, "one").instead == ""
    assert card_text(page, "big").instead == "Small starts now"


async def test_another_team_is_named_where_it_has_a_share(alice: GenkanSpawner, play: Stage) -> None:
    play.cluster.put(QUOTAS, quota(namespace="team-vision", hard={GPUS: "1"}, used={GPUS: "1"}))
    await play.seen(lambda: play.view.cache.snapshot().quotas["team-vision"][0].hard[GPUS] == 1000)

    alone = card_text(await alice.form(), "two")
    member = joined(alice, VISION, LAB)
    page = str(await member.form())

    assert (alone.pill, alone.instead) == ("Over the team's share", "")
    assert card_text(page, "two").instead == "It starts now with Laboratory"
    assert [shown.card.slug for shown in (await member.form()).cards if shown.closed] == ["four"]


async def test_the_verdict_follows_what_is_chosen_on_a_card(alice: GenkanSpawner, play: Stage) -> None:
    play.cluster.put(QUOTAS, quota(namespace="team-lab", hard={GPUS: "0"}, used={GPUS: "0"}))
    await play.seen(lambda: play.view.cache.snapshot().quotas["team-lab"][0].hard[GPUS] == 0)
    member = joined(alice, VISION, LAB)
    fields = {
        "profile-option-one--team": ["lab"],
        "profile-option-two--image": ["newest"],
        "profile-option-two--team": ["nonsense"],
        "profile-option-gone--team": ["lab"],
    }
    await play.label("a", {"nvidia.com/cuda.driver-version.full": "580.1"})
    await play.label("b", {"nvidia.com/cuda.driver-version.full": "580.1"})
    play.clock.now += FRESH

    parts = (await member.form(fields=fields)).moving_parts(ENGLISH)["cards"]

    assert "Your team has no share of GPUs" in parts["one"]["live"]
    assert "It starts now with Vision" in parts["one"]["live"]
    assert "Not with this image" in parts["two"]["live"]
    assert "The image does not work on the 2 machines that this could run on." in parts["two"]["live"]
    assert "It starts now with Plain" in parts["two"]["live"]
    assert [slug for slug, part in parts.items() if part["refused"]] == ["one", "two", "four"]
    assert [slug for slug, part in parts.items() if part["closed"]] == ["four"]


async def test_moving_parts_are_those_of_the_page_and_stay_as_they_are(alice: GenkanSpawner, play: Stage) -> None:
    form = await alice.form()
    page, parts = str(form), form.moving_parts(ENGLISH)
    for part in parts["cards"].values():
        assert part["live"] in page
    assert parts["shares"] in page

    play.clock.now += FRESH
    assert (await alice.form()).moving_parts(ENGLISH) == parts

    await taken(play, "a", 1)
    later = (await alice.form()).moving_parts(ENGLISH)
    changed = [slug for slug, part in later["cards"].items() if part != parts["cards"][slug]]
    assert changed == ["one", "two", "four"]
    assert later["shares"] == parts["shares"]


async def test_a_choice_that_others_would_interrupt_says_so(alice: GenkanSpawner, play: Stage) -> None:
    for name in ("a", "b"):
        play.cluster.put(PODS, pod(f"job-{name}", node=name, requests={GPU: "2"}, priority=10))
    await play.seen(lambda: all(view.pods for view in play.view.cache.snapshot().nodes.values()))
    play.clock.now += FRESH
    fields = {"profile-option-one--priority": ["burst"]}

    assert card_text(await alice.form(), "one").pill == "Starts by interrupting other work"
    part = (await alice.form(fields=fields)).moving_parts(ENGLISH)["cards"]["one"]
    assert "No room now" in part["live"]
    assert "It starts now with Normal" in part["live"]


async def test_many_devices_are_drawn_up_to_a_bound_and_counted_in_full(alice: GenkanSpawner, play: Stage) -> None:
    for number in range(20):
        offered = {"cpu": "2", "memory": "8Gi", "pods": "110", GPU: "8"}
        play.cluster.put(NODES, node(f"many-{number}", allocatable=offered))
    await play.seen(lambda: len(play.view.cache.snapshot().nodes) == 22)
    play.clock.now += FRESH

    form = await alice.form()
    text = form.moving_parts(ENGLISH)["cards"]["one"]["live"]

    assert text.count("<i ") == 32
    assert "…" in text
    assert card_text(form, "one").free == "164 of 164 free, up to 8 on one machine"


@pytest.mark.parametrize("known", [True, False])
async def test_what_cannot_be_seen_is_said_and_how_old_the_rest_is(
    alice: GenkanSpawner, play: Stage, *, known: bool
) -> None:
    if not known:
        await play.blind()
        play.clock.now += FRESH

    form = await alice.form()

    assert ("cannot be seen in full at the moment" in form.status.fresh(ENGLISH)) is not known
    assert 'data-age="' in form.status.fresh(ENGLISH)
    assert "data-age" not in form.status.fresh(ENGLISH, with_age=False)


async def test_a_list_of_a_site_has_no_moving_parts(make_plain: MakeSpawner) -> None:
    form = await make_plain(profile_list=[{"display_name": "Theirs", "slug": "theirs"}]).form()

    assert form.status.fresh(ENGLISH) == ""
    assert form.moving_parts(ENGLISH)["cards"]["theirs"] == {"live": "", "closed": False, "refused": False}
    assert "genkan-age" not in str(form)


@pytest.fixture
async def make_plain(play: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeSpawner]:
    assert play.view is not None
    async with spawners(tmp_path, monkeypatch) as (_, made):
        yield made
