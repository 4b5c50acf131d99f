"""The main job, by HTTP: log in, choose, work, stop, and find the files on another machine."""

from genkan_spawner.kinds import PODS

from ..support.cluster import Cluster
from ..support.hub import Person

CHOICE = {"profile": "cpu-small"}


async def test_log_in_choose_work_stop_and_find_the_files_on_another_machine(alice: Person, cluster: Cluster) -> None:
    form = await alice.form()
    assert {"cpu-small", "v100-1", "a100-slice"} <= set(form.offered["profile"])

    await alice.start(**CHOICE)
    assert await alice.run("1+1") == "2"
    await alice.write("notes.txt", "from the first machine")
    (first,) = await cluster.pods_of("alice")
    node = first["spec"]["nodeName"]

    await alice.stop()
    await cluster.until_gone(PODS, first["metadata"]["name"], namespace=first["metadata"]["namespace"])
    await cluster.cordon(node)
    try:
        await alice.start(**CHOICE)
        (second,) = await cluster.pods_of("alice")
    finally:
        await cluster.cordon(node, cordoned=False)
    assert second["spec"]["nodeName"] != node
    assert await alice.read("notes.txt") == "from the first machine"
    assert await alice.run("print(open('notes.txt').read())") == "from the first machine"
