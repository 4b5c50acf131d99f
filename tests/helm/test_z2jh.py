"""The values on the Zero to JupyterHub chart itself, which GENKAN_Z2JH_CHART says the place of."""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from genkan_spawner.api import JsonObject

from ..support.helm import OVERLAYS, VALUES, Helm, HelmError, of_kind
from ..support.sandbox import require

BASE = VALUES / "base.yaml"
COMBINATIONS = [(), *((name,) for name in OVERLAYS), *combinations(OVERLAYS, 2), OVERLAYS]
CATALOGUE = Path(__file__).parents[2] / "docs" / "administrators" / "catalogues" / "first.yaml"


def overlaid(*names: str) -> list[Path]:
    return [BASE, *(VALUES / f"{name}.yaml" for name in names)]


@pytest.fixture(scope="module")
def plain(helm: Helm, chart: Path) -> list[JsonObject]:
    """What base.yaml alone makes of the chart."""
    return helm.render(chart, BASE)


def pods(objects: list[JsonObject]) -> Iterator[tuple[str, JsonObject]]:
    for kind in ("Deployment", "DaemonSet", "Job", "StatefulSet"):
        for name, one in of_kind(objects, kind).items():
            yield f"{kind} {name}", one["spec"]["template"]["spec"]


@pytest.mark.parametrize("overlays", COMBINATIONS, ids=lambda names: "+".join(names) or "base")
def test_the_chart_takes_the_values_and_its_pods_mount_what_is_there(
    helm: Helm, chart: Path, overlays: tuple[str, ...]
) -> None:
    objects = helm.render(chart, *overlaid(*overlays))

    for one in objects:
        kubernetes_validate.validate(one, "1.36", strict=True)
    for name, pod in pods(objects):
        volumes = {volume["name"] for volume in pod.get("volumes", [])}
        for container in [*pod.get("initContainers", []), *pod["containers"]]:
            assert {mount["name"] for mount in container.get("volumeMounts", [])} <= volumes, name


def test_the_chart_refuses_what_it_does_not_know(helm: Helm, chart: Path) -> None:
    """Or the test above would say nothing."""
    with pytest.raises(HelmError, match="extraVolume"):
        helm.render(chart, BASE, values={"hub": {"extraVolume": []}})


def test_the_chart_gives_the_hub_no_rights_and_no_account(plain: list[JsonObject]) -> None:
    assert {one["kind"] for one in plain} & {"Role", "RoleBinding", "ClusterRole", "ServiceAccount"} == set()
    hub = of_kind(plain, "Deployment")["hub"]["spec"]["template"]["spec"]
    assert hub["serviceAccountName"] == "genkan-hub"


def test_every_pod_of_the_chart_is_of_the_core_and_fits_a_quota(plain: list[JsonObject]) -> None:
    found = dict(pods(plain))

    assert set(found) == {"Deployment hub", "Deployment proxy"}
    for pod in found.values():
        assert pod["priorityClassName"] == "genkan-core"
        assert all(container["resources"]["requests"] for container in pod["containers"])


@pytest.fixture
def settings(helm: Helm, chart: Path, tmp_path: Path) -> Any:
    """The hub's settings with some overlays and values, as the hub itself reads them."""

    def settings(*overlays: str, **values: Any) -> dict[str, Any]:
        given = {"custom": {"genkan": {"catalogue": str(CATALOGUE)}}, **values}
        return hub_settings(helm.render(chart, *overlaid(*overlays), values=given), tmp_path)

    return settings


PLACE = "/usr/local/etc"
"""Where the chart mounts its files, and looks for them."""

PROGRAM = f"""
import json
from traitlets.config.loader import PyFileConfigLoader
config = PyFileConfigLoader("jupyterhub_config.py", path="{PLACE}/jupyterhub").load_config()
print("SETTINGS " + json.dumps(config, default=repr))
"""


def hub_settings(objects: list[JsonObject], folder: Path) -> dict[str, Any]:
    """Have JupyterHub read the chart's jupyterhub_config.py, with all that the chart mounts beside it."""
    bubblewrap = shutil.which("bwrap")
    if bubblewrap is None:
        require("bubblewrap is not installed, and the chart's files have fixed places.")
    mounted = folder / "jupyterhub"
    for name, content in (("config", config_map(objects)), ("secret", secret(objects))):
        (mounted / name).mkdir(parents=True)
        for key, value in content.items():
            (mounted / name / key).write_bytes(value)
    for name in ("jupyterhub_config.py", "z2jh.py"):
        shutil.copy(mounted / "config" / name, mounted / name)
    places = ["--dev-bind", "/", "/", "--tmpfs", PLACE, "--bind", str(mounted), f"{PLACE}/jupyterhub"]
    environment = {
        "POD_NAMESPACE": "genkan",
        "HUB_SERVICE_PORT": "8081",
        "PROXY_API_SERVICE_PORT": "8001",
        "CONFIGPROXY_AUTH_TOKEN": "x",
    }
    done = subprocess.run(
        [bubblewrap, *places, "--", sys.executable, "-c", PROGRAM],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in done.stdout.splitlines() if line.startswith("SETTINGS ")]
    assert found, done.stdout[-2000:] + done.stderr[-4000:]
    read: dict[str, Any] = json.loads(found[0].removeprefix("SETTINGS "))
    return read


def config_map(objects: list[JsonObject]) -> dict[str, bytes]:
    data = of_kind(objects, "ConfigMap")["hub"]["data"]
    return {key: text.encode() for key, text in data.items()}


def secret(objects: list[JsonObject]) -> dict[str, bytes]:
    one = of_kind(objects, "Secret")["hub"]
    texts = {key: text.encode() for key, text in one.get("stringData", {}).items()}
    return {**texts, **{key: base64.b64decode(value) for key, value in one.get("data", {}).items()}}


def test_the_hub_reads_the_charts_configuration_with_ours(settings: Any) -> None:
    found = settings("kind", "postgres")

    assert found["JupyterHub"]["db_url"].startswith("postgresql+psycopg://genkan@")
    assert found["JupyterHub"]["spawner_class"] == "genkan"
    assert found["JupyterHub"]["authenticator_class"] == "shared-password"
    assert found["JupyterHub"]["hub_connect_url"] == "http://hub.genkan.svc:8081"
    assert found["JupyterHub"]["tornado_settings"]["slow_spawn_timeout"] == 0
    assert [role["name"] for role in found["JupyterHub"]["load_roles"]].count("jupyterhub-idle-culler") == 1
    assert found["KubeSpawner"]["namespace"] == "genkan"
    assert found["GenkanSpawner"]["catalogue_file"] == str(CATALOGUE)
    assert found["GenkanSpawner"]["storage_access_modes"] == ["ReadWriteOnce"]
    assert found["GenkanSpawner"]["idle_timeout"] == 3600
    assert found["KubeSpawner"].get("init_containers", []) == []


def test_the_servers_of_teams_are_reached_by_the_charts_own_proxy(plain: list[JsonObject]) -> None:
    for name in ("hub", "proxy"):
        egress = of_kind(plain, "NetworkPolicy")[name]["spec"]["egress"]
        selectors = [peer.get("namespaceSelector") for rule in egress for peer in rule.get("to", [])]
        assert {"matchExpressions": [{"key": "genkan.dev/team", "operator": "Exists"}]} in selectors


def test_homes_of_the_plain_chart_are_kept(settings: Any) -> None:
    storage = {"type": "dynamic", "dynamic": {"pvcNameTemplate": "claim-{username}"}}
    found = settings("kind", singleuser={"storage": storage})

    assert found["KubeSpawner"]["pvc_name_template"] == "claim-{username}"
    assert "volumes" not in found["GenkanSpawner"]
    assert "pvc_name_template" not in found["GenkanSpawner"]


def test_the_user_scheduler_packs_gpus(helm: Helm, chart: Path) -> None:
    objects = helm.render(chart, *overlaid("user-scheduler"))
    (name,) = (name for name in of_kind(objects, "ConfigMap") if "scheduler" in name)
    configuration = of_kind(objects, "ConfigMap")[name]["data"]["config.yaml"]

    assert "nvidia.com/gpu" in configuration
    assert "MostAllocated" in configuration
