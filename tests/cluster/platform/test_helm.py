"""The chart's life by Helm itself: installed, upgraded, rolled back and removed, and nobody's files are lost."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from genkan_spawner.api import KubernetesApi
from genkan_spawner.exceptions import NotFoundError
from genkan_spawner.kinds import CLAIMS, CLUSTER_ROLES, NAMESPACES, QUOTAS, ROLES, VOLUMES, Kind

from ...support.cluster import Cluster
from ...support.helm import PLATFORM, Helm, HelmError, merged
from ...support.sandbox import SandboxRun

PLACE = "second"
"""A hub of its own on the same cluster, whose release has the usual name."""

FIRST: dict[str, Any] = {
    "catalogue": {"content": "hardware: []"},
    "priorityClasses": {"create": False},
    "teams": {"physics": {"quota": {"requests.cpu": 10}}},
    "sharedVolumes": {"homes": {"nfs": {"server": "files.example.org", "path": "/homes"}}},
}


class Release:
    """The release genkan-platform, by the commands of the documentation."""

    def __init__(self, helm: Helm, run: SandboxRun) -> None:
        assert run.ready is not None
        self._helm = helm
        self._environment = {"KUBECONFIG": str(run.ready.kubeconfig)}

    def upgrade(self, values: dict[str, Any]) -> str:
        return self._run("upgrade", "--install", "genkan-platform", str(PLATFORM), values=values)

    def rollback(self) -> str:
        return self._run("rollback", "genkan-platform")

    def remove(self) -> str:
        return self._run("uninstall", "genkan-platform", "--ignore-not-found")

    def _run(self, *words: str, values: dict[str, Any] | None = None) -> str:
        namespace = ["--namespace", PLACE]
        return self._helm.run(*words, *namespace, environment=self._environment, values=values)


@pytest.fixture
async def release(helm: Helm, run: SandboxRun, cluster: Cluster) -> AsyncIterator[Release]:
    await cluster.add_namespace(PLACE)
    release = Release(helm, run)
    yield release
    release.remove()
    for name in ("physics", "chemistry"):
        if await exists(cluster.api, NAMESPACES, name):
            await cluster.api.delete(NAMESPACES, name)


async def exists(api: KubernetesApi, kind: Kind, name: str, *, namespace: str | None = None) -> bool:
    try:
        await api.get(kind, name, namespace=namespace)
    except NotFoundError:
        return False
    return True


async def test_homes_outlive_upgrades_roll_backs_and_the_release(release: Release, cluster: Cluster) -> None:
    api = cluster.api

    printed = release.upgrade(FIRST)
    assert "The cluster is ready for a hub in the namespace second." in printed
    assert "physics (team physics)" in printed
    await cluster.until(CLAIMS, "homes", lambda one: one["status"].get("phase") == "Bound", namespace="physics")

    more = merged(FIRST, {"teams": {"physics": {"quota": {"requests.cpu": 20}}, "chemistry": {}}})
    release.upgrade(more)
    assert (await api.get(QUOTAS, "genkan-share", namespace="physics"))["spec"]["hard"]["requests.cpu"] == "20"
    assert await exists(api, ROLES, "genkan-hub", namespace="chemistry")

    release.rollback()
    assert (await api.get(QUOTAS, "genkan-share", namespace="physics"))["spec"]["hard"]["requests.cpu"] == "10"
    assert not await exists(api, ROLES, "genkan-hub", namespace="chemistry")
    # A team that is gone leaves its namespace with all claims in it.
    assert await exists(api, NAMESPACES, "chemistry")
    assert await exists(api, CLAIMS, "homes", namespace="chemistry")

    release.remove()
    assert not await exists(api, CLUSTER_ROLES, "genkan-platform-second-view")
    assert not await exists(api, ROLES, "genkan-hub", namespace="physics")
    for name in ("physics", "chemistry", PLACE):
        assert await exists(api, NAMESPACES, name)
        assert await exists(api, CLAIMS, "homes", namespace=name)
        assert await exists(api, VOLUMES, f"genkan-platform-second-homes-{name}")

    # And a new release takes up what stayed.
    release.upgrade(merged(more))
    assert await exists(api, ROLES, "genkan-hub", namespace="chemistry")


async def test_another_release_does_not_take_what_is_the_firsts(release: Release, cluster: Cluster) -> None:
    with pytest.raises(HelmError, match=r"Namespace \"vision\".*(exists|conflict)"):
        release.upgrade(merged(FIRST, {"teams": {"vision": {}}}))

    owner = (await cluster.api.get(NAMESPACES, "vision"))["metadata"]["labels"]["genkan.dev/hub"]
    assert owner == "genkan"
