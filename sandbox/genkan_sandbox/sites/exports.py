"""Exports of a site's file server: directories that many nodes mount at once."""

from pydantic import Field

from genkan_profiles.documents import Row
from genkan_profiles.names import Name
from genkan_profiles.quantities import PositiveQuantity
from genkan_sandbox.agent.exports import FolderName, Mode


class Export(Row):
    """A directory of the site's file server, with a persistent volume and a claim for it in each namespace."""

    name: Name
    """Of the export, and of its claims."""
    size: PositiveQuantity = "10Ti"
    """What its volumes say of their capacity; the sandbox does not enforce it."""
    namespaces: tuple[str, ...] = ()
    """Where there are claims; if empty, wherever the hub starts servers."""
    root_squash: bool = True
    """Whether the machines' administrators are nobody on it, as file servers have it by default."""
    mode: Mode = "755"
    """Rights of the export's own directory when it is made, as in `chmod`."""
    gid: int = Field(default=0, ge=0, lt=65_534)
    """The group of the export's own directory and its folders when they are made; the owner is root."""
    folders: dict[FolderName, Mode] = Field(default_factory=dict)
    """Folders that are made in it, with their rights, such as `home: 1771`."""
