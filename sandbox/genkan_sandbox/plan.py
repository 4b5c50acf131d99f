"""What one run of a sandbox is made of: settled before the first process starts."""

from dataclasses import dataclass
from pathlib import Path

from genkan_sandbox.binaries import Binaries
from genkan_sandbox.control_plane.access import kubeconfig
from genkan_sandbox.control_plane.addresses import Ports, SandboxAddress
from genkan_sandbox.hub.settings import DemoUser
from genkan_sandbox.real_node.network import NODE_ADDRESS
from genkan_sandbox.real_node.node import RealNode
from genkan_sandbox.sites import Site
from genkan_sandbox.state import StateDirectory
from genkan_spawner.api import JsonObject


@dataclass(frozen=True, slots=True)
class Plan:
    """One run: what is started, where it keeps its state and where it listens."""

    state: StateDirectory
    site_name: str
    site: Site
    binaries: Binaries
    address: SandboxAddress
    ports: Ports
    with_hub: bool
    simulate: bool
    audit: bool
    """Whether the API server logs every request."""
    ready_file: Path | None
    hub_config: Path | None
    platform: tuple[JsonObject, ...] | None
    """What is applied in the place of the sandbox's own rights for the hub."""
    real_node: RealNode | None
    """The site's machine, where pods are containers of this one."""
    manifests: tuple[JsonObject, ...]
    """What the site brings to the cluster, in the order of need."""

    @property
    def api_url(self) -> str:
        """Where the API server answers."""
        return f"https://{self.address.host}:{self.ports.api_server}"

    @property
    def hub_url(self) -> str:
        """Where pods and the proxy reach the hub."""
        host = self.address.host if self.real_node is None else NODE_ADDRESS
        return f"http://{host}:{self.ports.hub}"

    @property
    def proxy_api_url(self) -> str:
        """Where the hub tells the proxy of its users' servers."""
        return f"http://{self.address.host}:{self.ports.proxy_api}"

    @property
    def cluster_page_url(self) -> str:
        """Where the proxy reaches the page that shows who holds which GPU."""
        return f"http://{self.address.host}:{self.ports.cluster_page}"

    @property
    def exporter_url(self) -> str:
        """Where Prometheus finds what the nodes' GPUs do."""
        return f"http://{self.address.host}:{self.ports.exporter}/metrics"

    @property
    def public_url(self) -> str:
        """Where people open the hub."""
        return f"http://{self.address.host}:{self.ports.public}/"

    @property
    def catalogue_file(self) -> Path:
        """What the hub offers; that of a real node is written at its start."""
        return self.site.catalogue.path if self.real_node is None else self.state.root / "catalogue.yaml"

    @property
    def open_ports(self) -> tuple[int, ...]:
        """What people and programs outside of a private network reach."""
        return (*((self.ports.public,) if self.with_hub else ()), self.ports.api_server, self.ports.exporter)

    @property
    def nodes(self) -> frozenset[str]:
        """The names of the site's machines."""
        return frozenset(m["metadata"]["name"] for m in self.manifests if m["kind"] == "Node")

    @property
    def users(self) -> tuple[DemoUser, ...]:
        """Who can log in."""
        if not self.with_hub:
            return ()
        return tuple(DemoUser(name=user.name, groups=tuple(user.groups), admin=user.admin) for user in self.site.users)

    def kubeconfig(self, token: str, *, namespace: str = "default") -> str:
        """Render a kubeconfig for this run's API server."""
        authority = self.state.certificates / "ca.crt"
        return kubeconfig(server=self.api_url, authority=authority, token=token, namespace=namespace)
