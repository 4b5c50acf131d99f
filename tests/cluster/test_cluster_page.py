"""The cluster page through the real hub: who may see what, and what it says when something is away."""

import asyncio
import contextlib
import csv
from collections.abc import AsyncIterator
from io import StringIO
from typing import Any

import httpx
import psutil
import pytest

from genkan_profiles import SAMPLE
from genkan_spawner.marks import HUB, USER_NAME

from ..support.cluster import Cluster
from ..support.hub import FormInputs, Person
from ..support.watched import API, PAGE, SCRAPER, WITHIN, Mood, Watched, row_of, seen, until_said, until_seen, watched
from .test_hub_failures import cluster_answers, killed_and_back

A100 = {"profile": "a100-1", "image": "pytorch", "team": "vision"}
SLICE = {"profile": "a100-slice", "image": "pytorch", "team": "language"}
SMALL = {"profile": "cpu-small"}


@pytest.fixture(scope="module")
async def watching(binaries: None, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    """A sandbox of this module's own, with a Prometheus."""
    async with watched(tmp_path_factory.mktemp("watched")) as found:
        yield found


@pytest.fixture
async def cluster(watching: Watched) -> AsyncIterator[Cluster]:
    cluster = Cluster(watching.api, namespace="genkan")
    try:
        yield cluster
    finally:
        await cluster.clean_up()


@pytest.fixture
async def carol(watching: Watched) -> AsyncIterator[Person]:
    """An administrator."""
    async with watching.person("carol") as person:
        yield person


@pytest.fixture
async def alice(watching: Watched) -> AsyncIterator[Person]:
    async with watching.person("alice") as person:
        yield person


@pytest.fixture
async def bob(watching: Watched) -> AsyncIterator[Person]:
    async with watching.person("bob") as person:
        yield person


async def shown(viewer: Person, person: Person) -> dict[str, Any]:
    """Wait until both the cluster and the hub have told the page of the server that somebody has started just now."""
    started = (await person.servers())[""]["started"]

    def holds(view: dict[str, Any]) -> bool:
        row = row_of(view, person.user.name)
        return row is not None and row["state"] == "running" and bool(row["node"]) and row["started"] == started

    return await until_seen(viewer, holds)


async def test_an_administrator_sees_who_holds_which_gpu(carol: Person, alice: Person, bob: Person) -> None:
    await asyncio.gather(alice.start(**A100), bob.start(**SMALL))
    await shown(carol, bob)
    view = await shown(carol, alice)
    row = row_of(view, "alice")
    assert row is not None
    assert (row["team"], row["priority"], row["gpus"], row["namespace"]) == ("Vision", "Normal", 1, "vision")
    assert "A100" in row["hardware"]
    assert "PyTorch" in row["image"]
    assert row["products"] == ["NVIDIA-A100-SXM4-80GB"]
    assert row["stoppable"]
    (machine,) = [machine for machine in view["machines"] if machine["name"] == row["node"]]
    (device,) = [one for kind in machine["kinds"] for one in kind["devices"] if one["server"] == row["key"]]
    assert device["device"].startswith("GPU-")
    assert device["state"] == "held"
    text = (await carol.visit(PAGE)).text
    assert "climate/weather-model-0" in text
    assert {row["kind"] for row in view["servers"]} == {"server", "other"}
    assert view["totals"]["gpus"] == 65


async def test_whoever_is_not_signed_in_is_sent_to_do_so(watching: Watched) -> None:
    async with httpx.AsyncClient(base_url=watching.run.url, follow_redirects=True) as nobody:
        for path in ("", "servers.csv", "panel", "stop?user=alice&server="):
            answer = await nobody.get(f"{PAGE}{path}")
            assert "/hub/login" in str(answer.url)
        assert (await nobody.get(API)).status_code == 403
        assert (await nobody.get(f"{PAGE}metrics")).status_code == 403
        assert (await nobody.post(f"{PAGE}stop", data={"user": "alice", "server": ""})).status_code == 403
        assert (await nobody.get(f"{PAGE}health")).text == "ok\n"
        assert (await nobody.get("hub/api/genkan/report")).status_code == 403


async def test_a_token_that_is_none_is_refused(watching: Watched) -> None:
    async with httpx.AsyncClient(base_url=watching.run.url, headers={"Authorization": "token made-up"}) as nobody:
        for path in (API, f"{PAGE}metrics", "hub/api/genkan/report"):
            assert (await nobody.get(path)).status_code == 403


async def test_an_ordinary_user_gets_no_name_of_anybody_else(carol: Person, alice: Person, bob: Person) -> None:
    await asyncio.gather(alice.start(**A100), bob.start(**SLICE))
    await shown(carol, alice)
    await shown(carol, bob)
    pages = [
        (await alice.visit(f"{PAGE}{path}")).text for path in ("", "servers.csv", "panel", "api/v1/cluster", "?q=BoB")
    ]
    for text in pages:
        for word in ("bob<", '"bob"', ",bob,", "jupyter-bob", "climate/", "weather-model", "inference-0"):
            assert word not in text
    assert "alice" in pages[0]
    assert "in use" in pages[0]
    view = await seen(alice)
    assert [row["user"] for row in view["servers"]] == ["alice"]
    assert not view["everything"]
    assert view["totals"]["free"] == (await seen(carol))["totals"]["free"]


async def test_an_ordinary_user_can_neither_ask_the_hub_for_all_servers_nor_stop_one(
    alice: Person, bob: Person
) -> None:
    await bob.start(**SMALL)
    assert (await alice.api("GET", "genkan/report")).status_code == 403
    assert (await alice.api("POST", "genkan/users/bob/servers//stop", json={})).status_code == 404
    assert (await alice.visit(f"{PAGE}stop?user=bob&server=")).status_code == 404
    xsrf = FormInputs((await alice.visit(PAGE)).text)
    assert "_xsrf" not in xsrf.offered
    assert (await bob.servers())[""]["ready"]


async def test_who_leads_a_group_sees_and_stops_its_servers_alone(
    watching: Watched, alice: Person, bob: Person
) -> None:
    await asyncio.gather(alice.start(**SMALL), bob.start(**SMALL))
    async with watching.person("dave") as dave:
        view = await shown(dave, alice)
        assert [(row["user"], row["stoppable"]) for row in view["servers"]] == [("alice", True)]
        assert (await dave.visit(f"{PAGE}stop?user=bob&server=")).status_code == 404
        await stop(dave, "alice")
    await alice.until(ready=False)
    assert (await bob.servers())[""]["ready"]


async def stop(person: Person, user: str, *, note: str = "") -> httpx.Response:
    """Go through the page that asks, without a script."""
    page = await person.visit(f"{PAGE}stop?user={user}&server=")
    assert page.status_code == 200, page.text
    hidden = {name: values[0] for name, values in FormInputs(page.text).offered.items()}
    return await person.send(f"{PAGE}stop", {**hidden, "note": note})


async def test_a_server_is_stopped_with_a_word_that_its_user_reads_at_the_next_visit(
    watching: Watched, carol: Person, alice: Person
) -> None:
    await alice.start(**SMALL)
    await shown(carol, alice)
    answer = await stop(carol, "alice", note="Maintenance <b>tonight</b>,\n back at 9.")
    assert answer.status_code == 200, answer.text
    assert "The server of alice is being stopped." in answer.text
    await alice.until(ready=False)
    form = (await alice.page("spawn")).text
    assert "carol stopped the server." in form
    assert "Maintenance &lt;b&gt;tonight&lt;/b&gt;, back at 9." in form
    await until_seen(carol, lambda view: row_of(view, "alice") is None)
    log = watching.log()
    assert "carol has the server '' of 'alice' stopped. Note: 'Maintenance <b>tonight</b>, back at 9.'" in log
    assert "carol stops the server '' of alice. Note: 'Maintenance <b>tonight</b>, back at 9.'" in log


async def test_ones_own_server_is_stopped_without_a_word(carol: Person, alice: Person) -> None:
    await alice.start(**SMALL)
    await shown(alice, alice)
    assert 'name="note"' not in (await alice.visit(f"{PAGE}stop?user=alice&server=")).text
    await stop(alice, "alice")
    await alice.until(ready=False)
    assert "stopped the server" not in (await alice.page("spawn")).text


async def test_a_form_of_somebody_elses_making_stops_nothing(carol: Person, alice: Person) -> None:
    await alice.start(**SMALL)
    await shown(carol, alice)
    fields = {"user": "alice", "server": "", "note": "", "started": ""}
    for token in ({}, {"_xsrf": "made-up"}, {"_xsrf": "2|aaaa|bbbb|1700000000"}):
        answer = await carol.send(f"{PAGE}stop", {**fields, **token})
        assert answer.status_code == 403
    assert (await alice.servers())[""]["ready"]


async def test_a_server_that_was_started_anew_is_left_alone(carol: Person, alice: Person) -> None:
    await alice.start(**SMALL)
    await shown(carol, alice)
    page = (await carol.visit(f"{PAGE}stop?user=alice&server=")).text
    hidden = {name: values[0] for name, values in FormInputs(page).offered.items()}
    await alice.stop()
    await alice.start(**SMALL)
    await shown(carol, alice)
    answer = await carol.send(f"{PAGE}stop", {**hidden, "note": ""})
    assert answer.status_code == 409, answer.text
    assert "It was not stopped." in answer.text
    assert "This server was started anew in the meantime." in answer.text
    assert (await alice.servers())[""]["ready"]


async def test_what_a_gpu_does_comes_to_the_page_through_prometheus(
    watching: Watched, carol: Person, alice: Person
) -> None:
    await alice.start(**A100)
    await watching.load("jupyter-alice", namespace="vision", utilisation=91, memory="34Gi")
    await watching.prometheus.scraped()
    view = await until_seen(carol, lambda view: (row := row_of(view, "alice")) is not None and row["utilisation"] == 91)
    row = row_of(view, "alice")
    assert row is not None
    assert (row["memory_used"], row["memory_size"]) == (34 * 2**30, 80 * 2**30)
    assert (row["idle_since"], len(row["indices"])) == (None, 1)
    assert view["sources"]["measurements"] == "current"
    assert view["totals"]["mean_utilisation"] > 50
    text = (await carol.visit(PAGE)).text
    assert ">91 %</time>" in text
    assert "34 of 80 GB" in text
    await watching.load("jupyter-alice", namespace="vision", utilisation=0)
    await until_seen(carol, lambda view: (row := row_of(view, "alice")) is not None and row["idle_since"])


async def test_a_slice_is_measured_through_its_pod(watching: Watched, carol: Person, bob: Person) -> None:
    await bob.start(**SLICE)
    await watching.load("jupyter-bob", namespace="language", utilisation=63, memory="7Gi")
    view = await until_seen(carol, lambda view: (row := row_of(view, "bob")) is not None and row["utilisation"] == 63)
    row = row_of(view, "bob")
    assert row is not None
    assert row["memory_used"] == 7 * 2**30


TOLD = {
    Mood.NOT: "answers with an error (502)",
    Mood.ODDLY: "answers what cannot be understood",
}


@pytest.mark.parametrize("mood", TOLD)
async def test_a_prometheus_that_fails_is_told_and_hides_nothing_else(
    watching: Watched, carol: Person, bob: Person, mood: Mood
) -> None:
    sentence = TOLD[mood]
    watching.gateway.mood = mood
    try:
        text = await until_said(carol, sentence)
        assert "climate/weather-model-0" in text
        assert "alert('prometheus')" not in text
        assert sentence not in (await bob.visit(PAGE)).text
        assert (await seen(carol))["sources"]["measurements"] == "missing"
    finally:
        watching.gateway.mood = Mood.WELL
    await until_seen(carol, lambda view: view["sources"]["measurements"] == "current")


async def test_nobody_becomes_a_user_by_what_they_write_into_their_pods(
    watching: Watched, carol: Person, alice: Person, cluster: Cluster
) -> None:
    await alice.start(**SMALL)
    pods = await cluster.pods_of("alice")
    mark = pods[0]["metadata"]["labels"][HUB]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "impostor",
            "namespace": "climate",
            "labels": {HUB: mark},
            "annotations": {USER_NAME: "<b>carol</b>", "sandbox.genkan.dev/simulate": "true"},
        },
        "spec": {
            "nodeSelector": {"pool": "v100x4"},
            "containers": [{"name": "x", "image": "x:1", "resources": {"limits": {"nvidia.com/gpu": "1"}}}],
        },
    }
    await cluster.add(pod)
    view = await until_seen(carol, lambda view: any(row["pod"] == "impostor" for row in view["servers"]))
    (row,) = [row for row in view["servers"] if row["pod"] == "impostor"]
    assert (row["kind"], row["user"], row["stoppable"]) == ("other", "", False)
    assert "<b>carol" not in (await carol.visit(PAGE)).text


async def test_people_who_wait_for_a_machine_are_counted(watching: Watched, carol: Person) -> None:
    async with watching.person("erin") as erin:
        await erin.submit(**SMALL)
        view = await until_seen(carol, lambda view: view["totals"]["people_waiting"] == 1)
        row = row_of(view, "erin")
        assert row is not None
        assert (row["state"], row["node"], row["since"]) == ("waiting", "", None)
        await erin.stop()
        await until_seen(carol, lambda view: view["totals"]["people_waiting"] == 0)


async def test_drained_machines_are_counted_and_their_gpus_are_not_free(carol: Person, cluster: Cluster) -> None:
    before = (await seen(carol))["totals"]
    await cluster.cordon("v100x8-0")
    try:
        view = await until_seen(carol, lambda view: view["totals"]["drained"] == before["drained"] + 1)
        (machine,) = [machine for machine in view["machines"] if machine["name"] == "v100x8-0"]
        assert machine["state"] == "drained"
        assert {one["state"] for kind in machine["kinds"] for one in kind["devices"]} <= {"held", "unavailable"}
    finally:
        await cluster.cordon("v100x8-0", cordoned=False)


async def test_the_table_is_there_for_spreadsheets_as_it_is_filtered(carol: Person, alice: Person) -> None:
    await alice.start(**A100)
    await shown(carol, alice)
    answer = await carol.visit(f"{PAGE}servers.csv?kind=server&sort=who")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="cluster-')
    head, row = csv.reader(StringIO(answer.text, newline=""))
    found = dict(zip(head, row, strict=True))
    assert (found["user"], found["team"], found["gpus"]) == ("alice", "Vision", "1")


async def metrics(watching: Watched) -> str:
    async with httpx.AsyncClient(base_url=watching.run.url) as client:
        answer = await client.get(f"{PAGE}metrics", headers={"Authorization": f"token {SCRAPER}"})
    assert answer.status_code == 200
    return answer.text


async def test_metrics_are_for_who_may_read_the_hubs(watching: Watched, alice: Person) -> None:
    text = await metrics(watching)
    for name in ("genkan_gpus_free{", "genkan_quota_limit{", 'genkan_cluster_view_healthy{kind="pods"} 1.0'):
        assert name in text
    assert 'genkan_source_up{source="prometheus"} 1.0' in text
    assert (await alice.visit(f"{PAGE}metrics", headers={"Authorization": f"token {alice.token}"})).status_code == 403


async def test_the_hubs_admin_page_shows_servers_with_gpus(carol: Person, alice: Person) -> None:
    await alice.start(**A100)
    await shown(carol, alice)
    page = (await carol.page("admin")).text
    assert '<iframe class="genkan-frame" src="/services/cluster/panel"' in page
    panel = await carol.visit(f"{PAGE}panel")
    assert "frame-ancestors 'self'" in panel.headers["Content-Security-Policy"]
    assert "alice" in panel.text
    assert "frame-ancestors 'none'" in (await carol.visit(PAGE)).headers["Content-Security-Policy"]


async def test_nobody_keeps_what_the_page_shows(carol: Person) -> None:
    for path in (PAGE, API, f"{PAGE}servers.csv", f"{PAGE}stop?user=x"):
        answer = await carol.visit(path)
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_catalogue_that_breaks_is_told_to_administrators_and_the_last_good_one_is_used(
    watching: Watched, carol: Person, bob: Person
) -> None:
    watching.catalogue.write_text("hardware: [<script>}")
    try:
        await bob.start(**SMALL)
        text = await until_said(carol, "The catalogue has an error.")
        assert "catalogue.yaml" in text
        assert "[<script>" not in text
        assert "The catalogue has an error." not in (await bob.visit(PAGE)).text
        assert "genkan_catalogue_problems 1.0" in await metrics(watching)
    finally:
        watching.catalogue.write_text(SAMPLE.read_text())
    await bob.stop()
    await until_seen(carol, lambda view: not view["sources"]["catalogue_problems"])
    assert "genkan_catalogue_problems 0.0" in await metrics(watching)


def page_process(watching: Watched) -> psutil.Process:
    return next(
        process for process in watching.run.processes() if "genkan_hub.cluster_page" in " ".join(process.cmdline())
    )


async def signed_in(person: Person) -> None:
    """Wait until the page knows somebody again, as a browser that follows where it is sent."""
    async with asyncio.timeout(WITHIN):
        while True:
            with contextlib.suppress(httpx.HTTPError):
                answer = await person.visit(PAGE)
                if answer.status_code == 200 and 'id="cluster"' in answer.text:
                    return
            await asyncio.sleep(0.2)


async def test_a_page_that_dies_is_started_again_and_the_hub_goes_on(watching: Watched, carol: Person) -> None:
    old = page_process(watching)
    hub = watching.run.pid("hub")
    old.kill()
    await signed_in(carol)
    assert page_process(watching).pid != old.pid
    assert watching.run.pid("hub") == hub


async def test_a_hub_that_is_started_anew_finds_its_page_again(watching: Watched, carol: Person, alice: Person) -> None:
    await alice.start(**A100)
    before, old = await shown(carol, alice), page_process(watching)
    await killed_and_back(watching.run, "hub")
    await signed_in(carol)
    assert not old.is_running()
    after = await shown(carol, alice)
    assert {row["key"] for row in after["servers"]} == {row["key"] for row in before["servers"]}


async def test_an_api_server_that_is_started_anew_is_followed_again(
    watching: Watched, carol: Person, cluster: Cluster
) -> None:
    await killed_and_back(watching.run, "kube-apiserver")
    await cluster_answers(cluster)
    await until_seen(carol, lambda view: view["sources"]["cluster_known"])
    await cluster.cordon("a100x4-0")
    try:
        await until_seen(
            carol, lambda view: any(row["name"] == "a100x4-0" and row["state"] == "drained" for row in view["machines"])
        )
    finally:
        await cluster.cordon("a100x4-0", cordoned=False)
