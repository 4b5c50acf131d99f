"""What checks say: a finding each, and the verdict of all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from genkan_profiles.language.sentences import NOTHING, Sentence


class State(StrEnum):
    """What will come of a start, from best to worst."""

    READY = "ready"
    """It starts now."""
    WAITS = "waits"
    """It is accepted and has to wait."""
    UNKNOWN = "unknown"
    """The cluster cannot be read; Kubernetes decides."""
    REFUSED = "refused"
    """It cannot start."""


class Check(StrEnum):
    """The checks, in the order in which their findings are told."""

    ACCESS = "access"
    QUOTA = "quota"
    PRIORITY = "priority"
    FIT = "fit"
    DRIVER = "driver"
    STORAGE = "storage"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; the amounts are Kubernetes quantities, where there are any."""

    check: Check
    state: State
    message: Sentence = NOTHING
    """One sentence for users, without words of Kubernetes; empty if there is nothing to say."""
    resource: str | None = None
    requested: str | None = None
    used: str | None = None
    limit: str | None = None
    over_by: str | None = None
    quota: str | None = None
    """The ResourceQuota that says so, for administrators."""
    would_preempt: bool = False
    """Whether pods of lower priority would have to go."""
    node: str = ""
    """The machine that has the storage already; the server has to be there."""
    ever: bool = True
    """Whether it could be otherwise when others have stopped; False for what no waiting helps against."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All findings for one demand, and what they come to."""

    findings: tuple[Finding, ...]

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Self:
        """Put findings together in the order of the checks."""
        order = list(Check)
        return cls(tuple(sorted(findings, key=lambda finding: order.index(finding.check))))

    @property
    def state(self) -> State:
        """The worst of all findings; without any there is nothing against a start."""
        order = list(State)
        return max((finding.state for finding in self.findings), key=order.index, default=State.READY)

    @property
    def would_preempt(self) -> bool:
        """Whether the start is possible only because pods of lower priority go."""
        return self.state is State.READY and any(finding.would_preempt for finding in self.findings)

    @property
    def node(self) -> str:
        """The machine on which the server has to be for its storage; empty if it may be on others too."""
        return next((finding.node for finding in self.findings if finding.node), "")

    @property
    def sentence(self) -> Sentence:
        """The sentence of the worst finding, the first of equals."""
        worst = next((finding for finding in self.findings if finding.state is self.state), None)
        return worst.message if worst else NOTHING
