"""What a real node is made of, settled before anything is fetched or started."""

from dataclasses import dataclass
from pathlib import Path

from genkan_sandbox.exceptions import OptionError
from genkan_sandbox.options import UpOptions
from genkan_sandbox.real_node.built import LIST, built_images, single_user_images
from genkan_sandbox.real_node.catalogue import catalogue
from genkan_sandbox.real_node.node import RealNode, only_machine
from genkan_sandbox.real_node.settings import ImageArchive
from genkan_sandbox.sites import Pool, Site


@dataclass(frozen=True, slots=True)
class Ingredients:
    """A machine of a site, and images."""

    pool: Pool
    images: dict[str, ImageArchive]
    """What the node has from the start; with a hub only those of servers for users, since large ones take a minute."""
    with_hub: bool

    def node(self, kubelet: Path) -> RealNode:
        """Return the node that this and a kubelet make."""
        offer = catalogue(self.pool, self.images) if self.with_hub else ""
        return RealNode(self.pool, kubelet, images=tuple(self.images.values()), catalogue=offer)


def settle(options: UpOptions, site: Site) -> Ingredients:
    """Look whether there can be a real node; raises OptionError with what is in the way."""
    if options.simulate:
        raise OptionError("A pod cannot be simulated and a container.", mend="Leave out --simulate or --nodes.")
    pool = only_machine(site, name=options.site)
    images = built_images(options.images or options.cache / LIST)
    if not options.with_hub:
        return Ingredients(pool, images, with_hub=False)
    offered = single_user_images(images)
    if not offered:
        raise OptionError(
            f"None of the images {', '.join(images)} is one of a server for users.",
            mend="Build one with `make images`, or start a bare cluster with --no-hub.",
        )
    return Ingredients(pool, offered, with_hub=True)
