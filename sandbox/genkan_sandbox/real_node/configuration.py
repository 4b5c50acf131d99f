"""The configuration of kubelet, containerd and the pods' network: pure functions from a node's settings to files.

https://kubernetes.io/docs/reference/config-api/kubelet-config.v1beta1/
https://github.com/containerd/containerd/blob/main/docs/cri/config.md
https://www.cni.dev/plugins/current/main/bridge/
"""

import json
from pathlib import Path

from genkan_sandbox.real_node.cgroups import group_name
from genkan_sandbox.real_node.network import NODE_ADDRESS, POD_SUBNET
from genkan_sandbox.real_node.pause import PAUSE_IMAGE
from genkan_sandbox.real_node.settings import NodeSettings

CONTAINERD_SOCKET = Path("/run/containerd/containerd.sock")
"""On the machine of its own that the node is, where this is nobody else's."""

PLUGIN_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))
"""Where distributions have the programs that make pods' networks."""

BRIDGE = "pods"
"""The interface that all pods are behind."""

_CRI = 'plugins."io.containerd.grpc.v1.cri"'

_UNUSED = (
    "io.containerd.internal.v1.opt",  # makes a folder in /opt
    "io.containerd.snapshotter.v1.aufs",
    "io.containerd.snapshotter.v1.btrfs",
    "io.containerd.snapshotter.v1.devmapper",
    "io.containerd.snapshotter.v1.zfs",
)


def write_configuration(settings: NodeSettings, *, plugins: Path) -> None:
    """Write all files; `plugins` is where the programs for pods' networks are."""
    folder = settings.folder
    (folder / "cni").mkdir(parents=True, exist_ok=True)
    (folder / "resolv.conf").write_text("")
    (folder / "kubelet.json").write_text(json.dumps(_kubelet(settings), indent=1))
    (folder / "containerd.toml").write_text(_containerd(settings, plugins=plugins))
    (folder / "cni" / "10-pods.conflist").write_text(json.dumps(_pod_network(), indent=1))


def containerd_command(settings: NodeSettings) -> list[str]:
    """Return the command line of containerd."""
    return ["containerd", "--config", str(settings.folder / "containerd.toml")]


def kubelet_command(settings: NodeSettings) -> list[str]:
    """Return the command line of the kubelet."""
    return [
        str(settings.kubelet),
        f"--config={settings.folder / 'kubelet.json'}",
        f"--kubeconfig={settings.kubeconfig}",
        f"--hostname-override={settings.name}",
        f"--node-ip={NODE_ADDRESS}",
    ]


def _kubelet(settings: NodeSettings) -> dict[str, object]:
    certificates = settings.certificates
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": NODE_ADDRESS,
        "port": settings.port,
        "healthzPort": 0,
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(certificates / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(certificates / "kubelet.crt"),
        "tlsPrivateKeyFile": str(certificates / "kubelet.key"),
        "containerRuntimeEndpoint": f"unix://{CONTAINERD_SOCKET}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{group_name(settings.sandbox)}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "oomScoreAdj": 0,
        "makeIPTablesUtilChains": False,
        "resolvConf": str(settings.folder / "resolv.conf"),
        "systemReserved": {"cpu": settings.cpu_reserved, "memory": settings.memory_reserved},
        # What was imported under one name may be pulled under another by nobody: there is no registry.
        "imagePullCredentialsVerificationPolicy": "NeverVerify",
        "serializeImagePulls": False,
        # The disk is the machine's; that others fill it is no reason to end a user's server.
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "0%",
            "imagefs.available": "1%",
            "imagefs.inodesFree": "0%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "podLogsDir": str(settings.folder / "logs"),
        "volumePluginDir": str(settings.folder / "volume-plugins"),
        "shutdownGracePeriod": "0s",
        "nodeStatusReportFrequency": "10s",
    }


def _containerd(settings: NodeSettings, *, plugins: Path) -> str:
    """Return a file of version 2, which containerd 2 takes too."""
    return f"""\
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = 0
disabled_plugins = {json.dumps(_UNUSED)}

[grpc]
  address = "{CONTAINERD_SOCKET}"

[{_CRI}]
  sandbox_image = "{PAUSE_IMAGE}"
  restrict_oom_score_adj = true
  disable_hugetlb_controller = true
  tolerate_missing_hugetlb_controller = true

[{_CRI}.cni]
  bin_dir = {json.dumps(str(plugins))}
  conf_dir = {json.dumps(str(settings.folder / "cni"))}

[{_CRI}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[{_CRI}.containerd.runtimes.runc.options]
  SystemdCgroup = false
"""


def _pod_network() -> dict[str, object]:
    bridge = {
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "hairpinMode": True,
        "ipMasq": False,
        "ipam": {"type": "host-local", "ranges": [[{"subnet": POD_SUBNET}]], "routes": [{"dst": "0.0.0.0/0"}]},
    }
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge]}
