"""Who is compared."""

from enum import StrEnum


class Contestant(StrEnum):
    """A spawner, as it is called in tables."""

    GENKAN = "GenkanSpawner"
    KUBESPAWNER = "KubeSpawner"
    CALLABLE = "KubeSpawner (callable)"
    """The stock spawner with its list from a callable, as one that changes must be."""

    NULL = "null spawner"
    """Starts nothing: what JupyterHub itself costs."""

    @property
    def slug(self) -> str:
        """The contestant in names of files and of Kubernetes' objects."""
        return f"with-{self.name.lower()}"
