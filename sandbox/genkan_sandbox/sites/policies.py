"""Rules of a site: namespaces, priority classes, quotas and limit ranges."""

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from genkan_profiles.documents import Row
from genkan_profiles.names import DottedName, LabelKey, LabelValue, Name
from genkan_profiles.quantities import Quantity

BUILT_IN_PRIORITY_CLASSES = ("system-cluster-critical", "system-node-critical")
_COUNTED = (
    "cpu",
    "memory",
    "pods",
    "requests.cpu",
    "requests.memory",
    "limits.cpu",
    "limits.memory",
    "requests.storage",
    "persistentvolumeclaims",
    "secrets",
    "configmaps",
    "services",
)
_LIMITED = ("cpu", "memory", "ephemeral-storage")


_OF_CLASS = (".storageclass.storage.k8s.io/requests.storage", ".storageclass.storage.k8s.io/persistentvolumeclaims")
"""What a quota counts of one storage class, after its name."""


def _counted(resource: str) -> str:
    known = resource in _COUNTED or resource.startswith("count/") or resource.endswith(_OF_CLASS)
    if not known and not (resource.startswith("requests.") and "/" in resource):
        message = (
            f"Quotas do not count {resource!r}. They count devices as requests.nvidia.com/gpu, objects as "
            f"count/pods, storage of one class as CLASS{_OF_CLASS[0]}, and {', '.join(_COUNTED)}."
        )
        raise ValueError(message)
    return resource


def _limited(resource: str) -> str:
    if resource not in _LIMITED and "/" not in resource:
        message = (
            f"Containers have no limit of {resource!r}. They have limits of {', '.join(_LIMITED)}, "
            "and of devices as nvidia.com/gpu."
        )
        raise ValueError(message)
    return resource


_Limits = dict[Annotated[str, AfterValidator(_limited)], Quantity]


class PodSecurity(StrEnum):
    """Kubernetes' Pod Security Standards."""

    PRIVILEGED = "privileged"
    BASELINE = "baseline"
    RESTRICTED = "restricted"


class Preemption(StrEnum):
    """Whether pods of a priority class may push others out."""

    LOWER_PRIORITY = "PreemptLowerPriority"
    NEVER = "Never"


class QuotaScope(StrEnum):
    """Which pods a quota counts."""

    BEST_EFFORT = "BestEffort"
    NOT_BEST_EFFORT = "NotBestEffort"
    TERMINATING = "Terminating"
    NOT_TERMINATING = "NotTerminating"


class PriorityClass(Row):
    """A PriorityClass of the cluster."""

    name: DottedName
    value: int = Field(ge=-(2**31), le=1_000_000_000)
    default: bool = False
    """Whether pods that name no class get this one."""
    preemption: Preemption = Preemption.LOWER_PRIORITY
    description: str = ""


class Namespace(Row):
    """A namespace and the Pod Security Standard that it enforces."""

    name: Name
    pod_security: PodSecurity = PodSecurity.BASELINE
    labels: dict[LabelKey, LabelValue] = Field(default_factory=dict)


class Quota(Row):
    """A ResourceQuota."""

    name: DottedName
    namespace: str
    hard: dict[Annotated[str, AfterValidator(_counted)], Quantity] = Field(min_length=1)
    """Limits by Kubernetes' names, such as `requests.nvidia.com/gpu`, `requests.cpu`, `pods`."""
    scopes: tuple[QuotaScope, ...] = ()
    priority_classes: tuple[str, ...] = ()
    """Count only pods of these classes; all pods if empty."""


class LimitRange(Row):
    """A LimitRange for containers."""

    name: DottedName
    namespace: str
    default: _Limits = Field(default_factory=dict)
    default_request: _Limits = Field(default_factory=dict)
    min: _Limits = Field(default_factory=dict)
    max: _Limits = Field(default_factory=dict)
