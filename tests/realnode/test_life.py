"""A real node comes and goes, and this machine is afterwards as it was before."""

import json
import signal
from pathlib import Path

import psutil
import pytest

from genkan_sandbox.agent.status import now, timestamp
from genkan_sandbox.binaries.modules import architecture
from genkan_sandbox.control_plane.bootstrap import usable
from genkan_sandbox.real_node.archives import write_archive
from genkan_sandbox.real_node.cgroups import group_name
from genkan_sandbox.real_node.configuration import BRIDGE
from genkan_sandbox.real_node.filesystem import TUNABLES
from genkan_sandbox.real_node.pause import PAUSE_IMAGE, pause_image
from genkan_sandbox.state import StateDirectory
from genkan_sandbox.supervision.leftovers import sandbox_processes
from genkan_spawner.api import JsonObject, KubernetesApi
from genkan_spawner.kinds import NODES

from ..support.cluster import Cluster
from ..support.sandbox import SandboxRun, sandbox_run

PLACES = ("/var/lib/kubelet", "/var/lib/containerd", "/var/lib/cni", "/run/containerd", "/run/netns", "/opt/containerd")


def traces(state: Path) -> dict[str, object]:
    """Return what a node could leave on this machine, except processes; others may mount and build here meanwhile."""
    covered = {*PLACES, "/", "/run", "/var/lib", "/var/log", "/proc", *(f"/proc/sys/{name}" for name in TUNABLES)}
    points = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return {
        "mounts": [point for point in points if point in covered or Path(point).is_relative_to(state)],
        "interfaces": [name for name in psutil.net_if_addrs() if name == BRIDGE],
        "folders": {place: Path(place).exists() for place in PLACES},
        "settings": {name: Path("/proc/sys", name).read_text() for name in TUNABLES},
        "forwarding": Path("/proc/sys/net/ipv4/ip_forward").read_text(),
    }


def groups(run: SandboxRun) -> list[Path]:
    return list(Path("/sys/fs/cgroup").glob(f"**/{group_name(run.sandbox_id)}"))


@pytest.fixture
def options(kubelet: None, tmp_path: Path) -> tuple[str, ...]:
    """A node that has only the image which every pod needs, and no hub: it is there within seconds."""
    archive = tmp_path / "pause.tar"
    write_archive(pause_image(architecture()), archive)
    images = tmp_path / "images.json"
    images.write_text(json.dumps({"pause": {"reference": PAUSE_IMAGE, "archive": str(archive)}}))
    return "--nodes", "containers", "--images", str(images), "--no-hub", "--port", "0"


def test_nothing_is_left_of_a_node_that_was_stopped(options: tuple[str, ...], tmp_path: Path) -> None:
    before = traces(tmp_path)
    with sandbox_run(tmp_path / "state", *options) as run:
        run.wait_ready()
        assert groups(run)
        assert traces(tmp_path) == before
        run.stop()

        assert run.processes() == []
        assert groups(run) == []
    assert traces(tmp_path) == before


def test_nothing_is_left_of_a_node_whose_sandbox_was_killed(options: tuple[str, ...], tmp_path: Path) -> None:
    before = traces(tmp_path)
    with sandbox_run(tmp_path / "state", *options) as run:
        run.wait_ready()
        run.kill()
        psutil.Process(run.pid("real-node")).send_signal(signal.SIGKILL)
        run.start()
        run.wait_ready()
        assert len([one for one in run.processes() if one.name() == "kubelet"]) == 1
        run.stop()

        assert sandbox_processes(StateDirectory(run.state).id) == []
        assert groups(run) == []
    assert traces(tmp_path) == before


async def test_a_node_whose_kubelet_dies_is_started_anew(options: tuple[str, ...], tmp_path: Path) -> None:
    with sandbox_run(tmp_path / "state", *options) as run:
        ready = run.wait_ready()
        first = run.pid("real-node")
        (kubelet,) = [one for one in run.processes() if one.name() == "kubelet"]
        kubelet.kill()

        async with await KubernetesApi.connect(ready.kubeconfig) as api:
            cluster = Cluster(api, namespace=ready.namespace)
            died = timestamp(now())
            await cluster.until(NODES, "machine-0", lambda node: usable(node) and heard(node) > died)
        assert run.pid("real-node") != first
        assert not psutil.pid_exists(first)
        run.stop()
        assert groups(run) == []


def heard(node: JsonObject) -> str:
    """Return when the kubelet last said that the node is ready."""
    return next(str(row["lastHeartbeatTime"]) for row in node["status"]["conditions"] if row["type"] == "Ready")
