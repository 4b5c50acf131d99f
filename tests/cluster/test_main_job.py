"""The main job, by HTTP: log in, choose, work, stop, and find the files on another machine."""

from genkan_spawner.kinds import PODS

from ..support.cluster import Cluster
from ..support.hub import Person

CHOICE = {"profile": "cpu-small"}


async def pod_of(cluster: Cluster, person: Person) -> dict[str, str]:
    """Return the node and the name of a person's only pod."""
    (pod,) = await cluster.api.list(
        PODS, namespace=cluster.namespace, label_selector=f"hub.jupyter.org/username={person.user.name}"
    )
    return {"name": pod["metadata"]["name"], "node": pod["spec"]["nodeName"]}


async def test_log_in_choose_work_stop_and_find_the_files_on_another_machine(alice: Person, cluster: Cluster) -> None:
    form = await alice.form()
    assert {"cpu-small", "gpu-1", "gpu-2"} <= set(form.offered["profile"])

    await alice.start(**CHOICE)
    assert await alice.run("1+1") == "2"
    await alice.write("notes.txt", "from the first machine")
    first = await pod_of(cluster, alice)

    await alice.stop()
    await cluster.until_gone(PODS, first["name"], namespace=cluster.namespace)
    await cluster.cordon(first["node"])
    try:
        await alice.start(**CHOICE)
        second = await pod_of(cluster, alice)
    finally:
        await cluster.cordon(first["node"], cordoned=False)
    assert second["node"] != first["node"]
    assert await alice.read("notes.txt") == "from the first machine"
    assert await alice.run("print(open('notes.txt').read())") == "from the first machine"
