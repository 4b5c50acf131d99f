"""Homes on the form: what one user's home makes of a card is for that user only, and most make nothing of it."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from genkan_spawner import GenkanSpawner
from genkan_spawner.api import JsonObject
from genkan_spawner.forecast import Forecasts
from genkan_spawner.home_forecast import OwnHome
from genkan_spawner.kinds import CLAIMS, NODES, PODS, QUOTAS, STORAGE_CLASSES, VOLUMES
from genkan_spawner.marks import USER_NAME

from ..support.objects import node, pod, quota
from ..support.spawner import MakeSpawner, spawners
from .stage import GPU, NAMESPACE, Clock, Stage, stage
from .test_cards import SMALL, named, told

HOME: dict[str, Any] = {
    "namespace": NAMESPACE,
    "storage_pvc_ensure": True,
    "storage_capacity": "10Gi",
    "volumes": [{"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}],
    "volume_mounts": [{"name": "home", "mountPath": "/home/jovyan"}],
}
FREE = "Starts now"


@pytest.fixture
async def play(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    async with stage(monkeypatch, gpus=2) as playing:
        annotations = {"storageclass.kubernetes.io/is-default-class": "true"}
        fast = {"metadata": {"name": "fast", "annotations": annotations}, "provisioner": "disks.example.org"}
        playing.cluster.put(STORAGE_CLASSES, fast)
        yield playing


@pytest.fixture
def clock(play: Stage) -> Clock:
    found = Clock()
    play.view.forecasts = Forecasts(play.view.cache, clock=found)
    return found


@pytest.fixture
async def user(
    play: Stage, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[str], GenkanSpawner]]:
    file = tmp_path / "small.yaml"
    file.write_text(SMALL)
    async with spawners(tmp_path, monkeypatch) as (_, make):
        yield lambda name: of(make, str(file), name)


def of(make: MakeSpawner, file: str, name: str) -> GenkanSpawner:
    spawner = named(make(Config({"GenkanSpawner": HOME}), catalogue_file=file), name)
    spawner.pvc_name = f"claim-{name}"
    return spawner


IN_CATALOGUE = "homes: {kind: claim, size: 10Gi}\n"


async def test_homes_of_the_catalogue_are_told_by_their_own_names(
    play: Stage, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "homes.yaml"
    file.write_text(SMALL + IN_CATALOGUE)
    hub = Config({"GenkanSpawner": {"namespace": NAMESPACE}})
    async with spawners(tmp_path, monkeypatch) as (_, make):
        alice, bob = (named(make(hub, catalogue_file=str(file)), name) for name in ("alice", "bob"))
        claim = OwnHome.of(alice).claims[0]
        lost = {"metadata": {"name": claim, "namespace": NAMESPACE}, "spec": {}, "status": {"phase": "Lost"}}
        play.cluster.put(CLAIMS, lost)
        await play.seen(lambda: (NAMESPACE, claim) in play.view.cache.snapshot().storage.claims)
        clock.now += 10
        pages = [str(await user.get_options_form()) for user in (alice, bob)]
    assert "Your home has lost its disk." in told(pages[0], "small")
    assert FREE in told(pages[1], "small")


async def test_a_home_that_is_known_by_its_mark_alone_needs_no_room_for_a_new_one(
    play: Stage, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "homes.yaml"
    file.write_text(SMALL + IN_CATALOGUE)
    limit = {"requests.storage": "10Gi"}
    play.cluster.put(QUOTAS, quota("disks", namespace=NAMESPACE, hard=limit, used=limit))
    for user, phase in (("alice", "Bound"), ("carol", "Lost")):
        metadata = {"name": f"files-of-{user}", "namespace": NAMESPACE, "annotations": {USER_NAME: user}}
        play.cluster.put(CLAIMS, {"metadata": metadata, "spec": {}, "status": {"phase": phase}})
    await play.seen(lambda: (NAMESPACE, "files-of-carol") in play.view.cache.snapshot().storage.claims)
    clock.now += 10
    hub = Config({"GenkanSpawner": {"namespace": NAMESPACE}})
    async with spawners(tmp_path, monkeypatch) as (_, make):
        users = [named(make(hub, catalogue_file=str(file)), name) for name in ("alice", "bob", "carol")]
        alice, bob, carol = [told(await user.get_options_form(), "small") for user in users]
    assert FREE in alice
    assert "Your home needs 10 GB of storage" in bob
    assert "Your home has lost its disk." in carol


def home(play: Stage, name: str, *, phase: str = "Bound", volume: str = "", **metadata: Any) -> JsonObject:
    spec = {"accessModes": ["ReadWriteOnce"], "volumeName": volume, "storageClassName": "fast"}
    claim = {"metadata": {"name": f"claim-{name}", "namespace": NAMESPACE, **metadata}, "spec": spec}
    return play.cluster.put(CLAIMS, claim | {"status": {"phase": phase}})


async def seen(play: Stage, clock: Clock, name: str) -> None:
    """Wait until the view has a claim, and let the forms look again."""
    await play.seen(lambda: (NAMESPACE, f"claim-{name}") in play.view.cache.snapshot().storage.claims)
    clock.now += 10


async def test_of_three_homes_each_user_sees_what_becomes_of_the_own(
    play: Stage, clock: Clock, user: Callable[[str], GenkanSpawner]
) -> None:
    home(play, "alice")
    home(play, "carol", phase="Lost")
    await seen(play, clock, "carol")
    for _ in range(2):
        assert FREE in told(str(await user("alice").get_options_form()), "small")
        assert FREE in told(str(await user("bob").get_options_form()), "small")
        assert "Your home has lost its disk." in told(str(await user("carol").get_options_form()), "small")


async def test_a_home_that_cannot_be_made_is_said_to_those_who_have_none(
    play: Stage, clock: Clock, user: Callable[[str], GenkanSpawner]
) -> None:
    limit = {"requests.storage": "100Gi"}
    play.cluster.put(QUOTAS, quota("disks", namespace=NAMESPACE, hard=limit, used={"requests.storage": "96Gi"}))
    home(play, "alice")
    await seen(play, clock, "alice")
    assert FREE in told(str(await user("alice").get_options_form()), "small")
    for name in ("bob", "carol"):
        page = str(await user(name).get_options_form())
        assert "Your home needs 10 GB of storage, and your team has 4 GB left" in told(page, "small")


async def test_a_home_in_use_elsewhere_is_said_with_the_name_of_the_own_server_alone(
    play: Stage, clock: Clock, user: Callable[[str], GenkanSpawner]
) -> None:
    play.cluster.put(NODES, node("b", allocatable={"cpu": "4", "memory": "32Gi", "pods": "110", GPU: "0"}))
    for name in ("alice", "bob"):
        volume = {"metadata": {"name": f"pv-{name}"}, "spec": {"csi": {"driver": "disks.example.org"}}}
        play.cluster.put(VOLUMES, volume)
        home(play, name, volume=f"pv-{name}")
        mounts = [{"name": "home", "persistentVolumeClaim": {"claimName": f"claim-{name}"}}]
        labels = {"hub.jupyter.org/username": name, "hub.jupyter.org/servername": f"of-{name}"}
        place: dict[str, Any] = {"namespace": NAMESPACE, "node": "b", "metadata": {"labels": labels}}
        play.cluster.put(PODS, pod(f"jupyter-{name}--of-{name}", volumes=mounts, **place))
    await seen(play, clock, "bob")
    await play.seen(lambda: len(play.view.cache.snapshot().nodes["b"].pods) == 2)
    pages = {name: str(await user(name).get_options_form()) for name in ("alice", "bob", "carol")}
    for name, other in (("alice", "bob"), ("bob", "alice")):
        assert f"Your home is in use by your server of-{name} on another machine" in told(pages[name], "card")
        assert FREE in told(pages[name], "small")
        assert other not in told(pages[name], "card")
    assert FREE in told(pages["carol"], "card")
