"""What the hub may do in the cluster, and why: one file for chart, sandbox, doctor and documentation."""

import functools
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

_INSTALLED = Path(__file__).with_name("rights.yaml")
_CHECKOUT = Path(__file__).parents[3] / "helm-values" / "genkan-platform" / "files" / "rights.yaml"


class Right(BaseModel):
    """One rule of a role."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    resource: str
    """As kubectl has it: `pods`, `pods/log`, `storageclasses.storage.k8s.io`."""
    verbs: tuple[str, ...]
    use: str
    """What it is for, in a sentence."""
    without: str
    """What is lost without it, in a sentence."""

    @property
    def plural(self) -> str:
        """The resource without its group."""
        return self.resource.partition(".")[0]

    @property
    def group(self) -> str:
        """The group of the API, empty for Kubernetes' own."""
        return self.resource.partition(".")[2]

    @property
    def rule(self) -> dict[str, Any]:
        """The rule as a role has it."""
        return {"apiGroups": [self.group], "resources": [self.plural], "verbs": list(self.verbs)}


class Rights(BaseModel):
    """All of them, by where they hold."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    servers: tuple[Right, ...]
    """In each namespace of servers."""
    cluster: tuple[Right, ...]
    """In the whole cluster, of what belongs to no namespace."""
    everywhere: tuple[Right, ...]
    """In all namespaces, or in those of servers where a site does not want that."""


@functools.cache
def hub_rights() -> Rights:
    """Read the file, which the chart genkan-platform renders."""
    path = _INSTALLED if _INSTALLED.is_file() else _CHECKOUT
    return Rights.model_validate(yaml.safe_load(path.read_text()))
