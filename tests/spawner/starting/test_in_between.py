"""What changes between the form and the start, or between the look and the creation: the start goes by what is now."""

from collections.abc import Callable

import pytest

from genkan_spawner.api import JsonObject
from genkan_spawner.checks.demand import demand_of
from genkan_spawner.checks.findings import State
from genkan_spawner.cluster_spawner import ClusterSpawner
from genkan_spawner.kinds import LIMIT_RANGES, NODES, PODS, PRIORITY_CLASSES, QUOTAS
from genkan_spawner.kubespawner_seam import pod_manifest
from genkan_spawner.reasons import Reason

from ...support.jumping import in_jumping_time
from ...support.objects import limit_range, node, priority_class, quota
from ..stage import GPU, NAMESPACE, Stage, answered, as_the_api_server, spawners, stage
from .scenes import refusal

SHARE = f"requests.{GPU}"
ASK = "Tell an administrator: the hub's log has the details."


async def foreseen(play: Stage, spawner: ClusterSpawner) -> State:
    """Return what the form would say now."""
    demand = demand_of(await pod_manifest(spawner))
    return spawner.examine(demand, play.view.cache.snapshot()).state


async def refused_in_a_word(play: Stage, spawner: ClusterSpawner) -> tuple[str, str]:
    """Return reason and sentence of a start that leaves nothing."""
    found = await refusal(spawner.start())
    assert play.pod() is None
    assert play.view.cache.snapshot().pending == ()
    return found.reason, found.jupyterhub_message


async def starts(play: Stage, spawner: ClusterSpawner) -> None:
    starting = spawner.start()
    await play.created()
    await play.run()
    await starting


def refusing(message: str) -> Callable[[str, JsonObject], None]:
    """Admit no pod, as an admission that nobody has seen yet."""

    def admit(plural: str, body: JsonObject) -> None:
        as_the_api_server(plural, body)
        if plural == PODS.plural:
            raise answered(403, f'pods "jupyter-alice" is forbidden: {message}')

    return admit


RULES = [
    pytest.param(
        LIMIT_RANGES,
        limit_range(namespace=NAMESPACE, max={GPU: "1"}),
        f"maximum {GPU} usage per Container is 1, but limit is 2",
        "One server may have at most 1 GPU here, and this asks for 2. "
        "Choose smaller hardware, or ask an administrator.",
        id="limit range",
    ),
    pytest.param(
        QUOTAS,
        quota("gpus", namespace=NAMESPACE, hard={SHARE: "4"}, used={SHARE: "3"}),
        f"exceeded quota: gpus, requested: {SHARE}=2, used: {SHARE}=3, limited: {SHARE}=4",
        "Your team has 1 GPU left of its share of 4, and this needs 2. "
        "Stop a server of your team, choose smaller hardware, or ask an administrator for a larger share.",
        id="quota",
    ),
]


@pytest.mark.parametrize(("kind", "rule", "message", "sentence"), RULES)
def test_a_rule_that_comes_after_the_form_is_told_alike_whether_it_was_seen_or_not(
    monkeypatch: pytest.MonkeyPatch, *, kind: object, rule: JsonObject, message: str, sentence: str
) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch, gpus=2) as play, spawners(monkeypatch) as make:
            spawner = make(gpus=2)
            assert await foreseen(play, spawner) is State.READY

            play.cluster.admits = refusing(message)
            assert await refused_in_a_word(play, spawner) == (Reason.QUOTA, sentence)
            assert play.cluster.calls["POST", PODS.plural] == 1

            play.cluster.put(QUOTAS if kind is QUOTAS else LIMIT_RANGES, rule)
            await play.seen(lambda: _rules(play))
            assert await foreseen(play, spawner) is State.REFUSED
            assert await refused_in_a_word(play, spawner) == (Reason.QUOTA, sentence)
            assert play.cluster.calls["POST", PODS.plural] == 1

    run()


def _rules(play: Stage) -> bool:
    snapshot = play.view.cache.snapshot()
    return bool(snapshot.quotas) or bool(snapshot.limit_ranges)


@in_jumping_time
async def test_a_webhook_that_comes_after_the_form_is_told_without_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = make()
        assert await foreseen(play, spawner) is State.READY
        play.cluster.admits = refusing('admission webhook "w.example.org" denied the request: alice owes money')

        reason, sentence = await refused_in_a_word(play, spawner)

        assert (reason, sentence) == (Reason.UNAVAILABLE, f"A rule of the cluster does not admit this server. {ASK}")


@in_jumping_time
async def test_a_rule_that_comes_between_rehearsal_and_creation_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        rehearsed: list[str] = []
        message = f"exceeded quota: gpus, requested: {SHARE}=1, used: {SHARE}=4, limited: {SHARE}=4"

        def admit(plural: str, body: JsonObject) -> None:
            if rehearsed and plural == PODS.plural:
                refusing(message)(plural, body)
            as_the_api_server(plural, body)
            rehearsed.append(plural)

        play.cluster.admits = admit

        reason, sentence = await refused_in_a_word(play, make())

        assert reason == Reason.QUOTA
        assert sentence.startswith("Your team's share of GPUs is used up: 4 of 4 GPUs are in use, and this needs 1.")


@pytest.mark.parametrize("kind", [QUOTAS, LIMIT_RANGES])
def test_a_rule_that_goes_after_the_form_stands_against_nobody(monkeypatch: pytest.MonkeyPatch, kind: object) -> None:
    @in_jumping_time
    async def run() -> None:
        async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
            rule = quota("rule", namespace=NAMESPACE, hard={SHARE: "0"}) if kind is QUOTAS else None
            place = QUOTAS if kind is QUOTAS else LIMIT_RANGES
            play.cluster.put(place, rule or limit_range("rule", namespace=NAMESPACE, max={GPU: "0"}))
            await play.seen(lambda: _rules(play))
            spawner = make()
            assert await foreseen(play, spawner) is State.REFUSED

            play.cluster.remove(place, "rule", namespace=NAMESPACE)
            await play.seen(lambda: not _rules(play))

            assert await foreseen(play, spawner) is State.READY
            await starts(play, spawner)

    run()


@in_jumping_time
async def test_a_priority_that_goes_after_the_form_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        play.cluster.put(PRIORITY_CLASSES, priority_class("normal"))
        await play.seen(lambda: play.view.cache.snapshot().priority_classes)
        spawner = make(priority_class_name="normal")
        assert await foreseen(play, spawner) is State.READY
        play.cluster.remove(PRIORITY_CLASSES, "normal")
        await play.seen(lambda: not play.view.cache.snapshot().priority_classes)

        reason, sentence = await refused_in_a_word(play, spawner)

        assert reason == Reason.PRIORITY
        assert sentence.startswith("The priority normal does not exist in this cluster.")


@in_jumping_time
async def test_the_last_machine_goes_after_the_form(monkeypatch: pytest.MonkeyPatch) -> None:
    async with stage(monkeypatch) as play, spawners(monkeypatch) as make:
        spawner = make()
        assert await foreseen(play, spawner) is State.READY
        play.cluster.remove(NODES, "a")
        await play.seen(lambda: not play.view.cache.snapshot().nodes)

        assert (await refused_in_a_word(play, spawner))[0] == Reason.CAPACITY


@in_jumping_time
async def test_amounts_that_cannot_be_read_stand_against_nobody_and_hide_no_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with stage(monkeypatch, gpus=2) as play, spawners(monkeypatch) as make:
        play.cluster.put(
            QUOTAS, quota("odd", namespace=NAMESPACE, hard={SHARE: "many", "pods": "1e", "requests.cpu": "-"})
        )
        play.cluster.put(LIMIT_RANGES, limit_range("odd", namespace=NAMESPACE, max={GPU: "few"}, default={"cpu": "x"}))
        play.cluster.put(NODES, node("odd", allocatable={"cpu": "", "memory": None, GPU: "0x2", "pods": "110"}))
        play.cluster.put(QUOTAS, {"metadata": {"name": "bare", "namespace": NAMESPACE}})
        play.cluster.put(LIMIT_RANGES, {"metadata": {"name": "bare", "namespace": NAMESPACE}, "spec": None})
        await play.seen(lambda: len(play.view.cache.snapshot().limit_ranges.get(NAMESPACE, ())) == 2)
        spawner = make()

        assert await foreseen(play, spawner) is State.READY
        await starts(play, spawner)
        await spawner.stop(now=True)
        play.cluster.put(QUOTAS, quota("good", namespace=NAMESPACE, hard={SHARE: "0", "pods": "?"}))
        await play.seen(lambda: len(play.view.cache.snapshot().quotas[NAMESPACE]) == 3)
        assert await foreseen(play, spawner) is State.REFUSED
