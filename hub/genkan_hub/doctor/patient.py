"""What the doctor looks at: everything is read once, and what may not be read is unknown."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from genkan_profiles import Catalogue
from genkan_spawner.checks.findings import Finding
from genkan_spawner.cluster.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Question:
    """Something that an account may do or not."""

    verb: str
    resource: str
    """As kubectl has it, `NAME.GROUP` or `NAME/PART`."""
    namespace: str
    """Empty for the whole cluster."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What the hub's own checks say of a start on empty machines and unused shares: what can never be."""

    hardware: str
    image: str
    team: str
    """Empty for users without one."""
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Patient:
    """A cluster with a hub."""

    version: tuple[int, int]
    """Of Kubernetes, major and minor."""
    namespace: str
    """The hub's own."""
    account: str
    """The hub's ServiceAccount."""
    catalogue: Catalogue
    snapshot: Snapshot
    allowed: Mapping[Question, bool] = field(default_factory=dict)
    """Answers of the API server about the hub's account; empty if it did not give any."""
    labels: Mapping[str, Mapping[str, str] | None] = field(default_factory=dict)
    """Labels of the namespaces of servers, None for one that does not exist; one that may not be read is missing."""
    trials: tuple[Trial, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The namespaces of servers: those of teams, and the hub's own where somebody is in no team."""
        teams = [team.namespace for team in self.catalogue.teams]
        everybody = any(team.group is None for team in self.catalogue.teams)
        return tuple(dict.fromkeys(teams if everybody else [self.namespace, *teams]))

    def team_of(self, namespace: str) -> str:
        """Return the team whose servers run in a namespace; empty for the hub's own."""
        return next((team.key for team in self.catalogue.teams if team.namespace == namespace), "")
