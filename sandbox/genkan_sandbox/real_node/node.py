"""What of a site is a real node, and how the node is started."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil

from genkan_profiles.quantities import parse_quantity
from genkan_sandbox.exceptions import OptionError
from genkan_sandbox.real_node.requirements import missing
from genkan_sandbox.real_node.settings import ImageArchive, NodeSettings, offered_devices
from genkan_sandbox.sites import Pool, Site, node_manifest, site_manifests
from genkan_sandbox.state import StateDirectory
from genkan_sandbox.supervision.components import Component
from genkan_spawner.api import JsonObject

COMPONENT = "real-node"
"""Its name among the sandbox's processes."""

KUBELET_PORT = 10250


@dataclass(frozen=True, slots=True)
class RealNode:
    """The one machine of a site, as a kubelet on this machine."""

    pool: Pool
    kubelet: Path
    images: tuple[ImageArchive, ...]
    catalogue: str = ""
    """What a hub offers on it, as the text of a file."""

    @property
    def name(self) -> str:
        """The node's name."""
        return self.pool.node_name(0)

    @property
    def manifest(self) -> JsonObject:
        """What the site says of the node; its size and its health are the kubelet's to say."""
        manifest = node_manifest(self.pool, 0)
        labels = manifest["metadata"]["labels"]
        return {
            **{key: value for key, value in manifest.items() if key != "status"},
            "metadata": {"name": self.name, "labels": labels},
        }

    def manifests(self, site: Site) -> list[JsonObject]:
        """Return all objects of a site with this node in the place of a simulated one."""
        return [self.manifest if manifest["kind"] == "Node" else manifest for manifest in site_manifests(site)]

    def component(self, state: StateDirectory) -> Component:
        """Write the node's settings and return its first process."""
        settings = NodeSettings(
            name=self.name,
            sandbox=state.id,
            state=state.root,
            kubelet=self.kubelet,
            port=KUBELET_PORT,
            cpu_reserved=f"{_reserved(os.cpu_count() or 1, float(parse_quantity(self.pool.cpu))) * 1000:.0f}m",
            memory_reserved=f"{_reserved(psutil.virtual_memory().total, float(parse_quantity(self.pool.memory))):.0f}",
            devices=offered_devices(self.pool),
            images=self.images,
        )
        file = state.write("real-node.json", settings.model_dump_json(indent=1))
        return Component(
            name=COMPONENT,
            command=(sys.executable, "-m", "genkan_sandbox.real_node", str(file)),
            directory=state.root,
            log=state.log(COMPONENT),
        )


def only_machine(site: Site, *, name: str) -> Pool:
    """Return the pool of a site's only machine. OptionError: this machine can have none, or the site has others."""
    if reason := missing():
        raise OptionError(reason, mend="Leave out --nodes containers, and pods are processes.")
    machines = [pool for pool in site.pools if pool.count]
    if len(machines) != 1 or machines[0].count != 1:
        raise OptionError(
            f"The site {name} has {site.node_count} machines; this machine can only be one.",
            mend="Name a site with one, such as --site machine.",
        )
    return machines[0]


def _reserved(total: float, wanted: float) -> float:
    """Return what is to be kept from pods, so that they may have as much as the site says and the machine has."""
    return max(0.0, total - wanted)
