"""How full a shared volume is: where that is read, and from when it matters."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from .documents import Row
from .paths import AbsolutePath
from .violations import Violation, raise_violations

Percent = Annotated[float, Field(gt=0, le=100)]


class Fill(Row):
    """How the fill state of a volume is known; it is read either through the hub's own mount or from Prometheus."""

    hub_path: AbsolutePath | None = None
    """Where the hub itself has the volume mounted, such as /srv/homes."""
    prometheus: (
        Annotated[str, Field(pattern=r"^https?://[^\s]{1,480}$", examples=["http://prometheus:9090"])] | None
    ) = None
    """The address of a Prometheus that has the kubelets' volume statistics (kubelet_volume_stats_*) of the claim."""
    warn_from: Percent = 85
    """Percent from which the form warns."""
    refuse_from: Percent = 97
    """Percent from which no server starts, but on hardware that is marked `rescue`."""
    largest: AbsolutePath | None = None
    """A JSON file, where the hub runs, that the site keeps up to date: a mapping of users to the bytes they use."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        violations = []
        if (self.hub_path is None) == (self.prometheus is None):
            violations.append(Violation((), "Say either hub_path or prometheus: where the fill state is read."))
        if self.warn_from > self.refuse_from:
            sentence = f"The warning would come after the refusal, which is from {self.refuse_from:g} percent."
            violations.append(Violation(("warn_from",), sentence))
        raise_violations("Fill", violations)
        return self
