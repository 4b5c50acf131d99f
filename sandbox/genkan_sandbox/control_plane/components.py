"""The command lines of the control plane: pure functions from addresses and paths to what is started.

Flags as in https://kubernetes.io/docs/reference/command-line-tools-reference/. etcd listens on unix sockets, so no
other user can go round the API server's rights; their paths are relative to the state directory, because a socket's
path may have no more than 107 bytes.
"""

from collections.abc import Sequence
from pathlib import Path

from genkan_sandbox.binaries import Binaries
from genkan_sandbox.control_plane.addresses import Ports, SandboxAddress
from genkan_sandbox.control_plane.auditing import AUDIT, audit_flags
from genkan_sandbox.state import StateDirectory
from genkan_sandbox.supervision.components import Component

CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "disruption-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "node-lifecycle-controller",
    "persistentvolume-attach-detach-controller",
    "persistentvolume-binder-controller",
    "persistentvolume-protection-controller",
    "persistentvolumeclaim-protection-controller",
    "pod-garbage-collector-controller",
    "resourcequota-controller",
    "root-ca-certificate-publisher-controller",
    "serviceaccount-controller",
    "taint-eviction-controller",
)
"""What single-user servers, claims, disks, quotas and nodes need; no workload controllers."""

_FEATURES = "--feature-gates=PersistentVolumeClaimUnusedSinceTime=true"
"""That claims tell since when nothing uses them, as they do by themselves from Kubernetes 1.37 on.

https://kubernetes.io/docs/reference/command-line-tools-reference/feature-gates/
"""

_REQUESTS_PER_SECOND = ("--kube-api-qps=1000", "--kube-api-burst=2000")
"""The default of 50 holds 2,000 pods back to 46 a second; without it 127 were measured."""

_CLIENT_SOCKET = "unix://localhost:2"
_PEER_SOCKET = "unix://localhost:1"


def etcd(binaries: Binaries, state: StateDirectory) -> Component:
    """Return the cluster's store."""
    flags = [
        "--name=sandbox",
        f"--data-dir={state.etcd}",
        f"--listen-client-urls={_CLIENT_SOCKET}",
        "--advertise-client-urls=unix://localhost:0",
        f"--listen-peer-urls={_PEER_SOCKET}",
        f"--initial-advertise-peer-urls={_PEER_SOCKET}",
        f"--initial-cluster=sandbox={_PEER_SOCKET}",
        "--log-level=warn",
        f"--quota-backend-bytes={8 * 2**30}",
    ]
    return _component("etcd", binaries.etcd, flags, state)


def api_server(
    binaries: Binaries,
    state: StateDirectory,
    *,
    address: SandboxAddress,
    ports: Ports,
    audit_policy: Path | None = None,
    real_node: bool = False,
) -> Component:
    """Return the API server, the only TCP port of the control plane; with a policy it logs requests.

    The nodes show it the logs of containers, and take it by its client certificate. A kubelet has its node's rights.
    """
    certificates = state.certificates
    flags = [
        f"--etcd-servers={_CLIENT_SOCKET}",
        f"--bind-address={address.host}",
        f"--secure-port={ports.api_server}",
        f"--advertise-address={address.host}",
        "--endpoint-reconciler-type=none",
        "--service-cluster-ip-range=10.0.0.0/16",
        f"--tls-cert-file={certificates / 'apiserver.crt'}",
        f"--tls-private-key-file={certificates / 'apiserver.key'}",
        f"--cert-dir={certificates}",
        f"--token-auth-file={state.root / 'tokens.csv'}",
        f"--authorization-mode={'Node,RBAC' if real_node else 'RBAC'}",
        "--anonymous-auth=false",
        f"--service-account-key-file={certificates / 'sa.key'}",
        f"--service-account-signing-key-file={certificates / 'sa.key'}",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--kubelet-certificate-authority={certificates / 'ca.crt'}",
        f"--kubelet-client-certificate={certificates / 'apiserver-client.crt'}",
        f"--kubelet-client-key={certificates / 'apiserver-client.key'}",
        "--kubelet-preferred-address-types=InternalIP",
        "--allow-privileged=true",
        "--profiling=false",
        "--event-ttl=1h",
        _FEATURES,
        *(audit_flags(policy=audit_policy, log=state.log(AUDIT)) if audit_policy is not None else ()),
    ]
    return _component("kube-apiserver", binaries.kube_apiserver, flags, state)


def controller_manager(binaries: Binaries, state: StateDirectory, *, kubeconfig: Path) -> Component:
    """Return the controllers, each with the rights of its own service account."""
    flags = [
        f"--kubeconfig={kubeconfig}",
        "--secure-port=0",
        "--leader-elect=false",
        f"--root-ca-file={state.certificates / 'ca.crt'}",
        "--use-service-account-credentials=true",
        f"--controllers={','.join(CONTROLLERS)}",
        _FEATURES,
        *_REQUESTS_PER_SECOND,
    ]
    return _component("kube-controller-manager", binaries.kube_controller_manager, flags, state)


def scheduler(binaries: Binaries, state: StateDirectory, *, configuration: Path) -> Component:
    """Return the scheduler; its configuration holds the kubeconfig, the request rate and the site's packing policy."""
    flags = [f"--config={configuration}", "--secure-port=0", "--leader-elect=false"]
    return _component("kube-scheduler", binaries.kube_scheduler, flags, state)


def _component(name: str, binary: Path, flags: Sequence[str], state: StateDirectory) -> Component:
    return Component(name=name, command=(str(binary), *flags), directory=state.root, log=state.log(name))
