import json
import tomllib
from pathlib import Path

from genkan_sandbox.real_node.configuration import kubelet_command, write_configuration
from genkan_sandbox.real_node.settings import NodeSettings


def settings(state: Path) -> NodeSettings:
    return NodeSettings(
        name="machine-0",
        sandbox="0123",
        state=state,
        kubelet=Path("/cache/kubelet"),
        port=10250,
        cpu_reserved="500m",
        memory_reserved="1024",
    )


def test_what_a_node_keeps_is_in_the_state_directory(tmp_path: Path) -> None:
    write_configuration(settings(tmp_path), plugins=Path("/usr/lib/cni"))
    kubelet = json.loads((tmp_path / "node" / "kubelet.json").read_text())

    assert Path(kubelet["podLogsDir"]).is_relative_to(tmp_path)
    assert Path(kubelet["volumePluginDir"]).is_relative_to(tmp_path)
    assert kubelet["cgroupRoot"] == "/genkan-0123"
    assert kubelet["systemReserved"] == {"cpu": "500m", "memory": "1024"}


def test_nobody_asks_the_kubelet_without_saying_who_they_are(tmp_path: Path) -> None:
    write_configuration(settings(tmp_path), plugins=Path("/usr/lib/cni"))
    kubelet = json.loads((tmp_path / "node" / "kubelet.json").read_text())

    assert kubelet["authentication"]["anonymous"] == {"enabled": False}
    assert kubelet["authorization"] == {"mode": "Webhook"}


def test_containerd_is_told_where_networks_are_made(tmp_path: Path) -> None:
    write_configuration(settings(tmp_path), plugins=Path("/opt/cni/bin"))
    found = tomllib.loads((tmp_path / "node" / "containerd.toml").read_text())
    cri = found["plugins"]["io.containerd.grpc.v1.cri"]

    assert cri["cni"] == {"bin_dir": "/opt/cni/bin", "conf_dir": str(tmp_path / "node" / "cni")}
    assert cri["containerd"]["runtimes"]["runc"]["options"] == {"SystemdCgroup": False}


def test_the_kubelet_has_the_name_of_the_sites_machine(tmp_path: Path) -> None:
    assert "--hostname-override=machine-0" in kubelet_command(settings(tmp_path))
