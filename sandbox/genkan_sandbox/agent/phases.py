"""The phase of a pod and the restarts of its containers, by the rules of the kubelet.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
kubernetes pkg/kubelet/kubelet_pods.go, getPhase
"""

from collections.abc import Sequence
from enum import StrEnum

from genkan_sandbox.agent.status import ContainerView, Running, Terminated, Waiting


class RestartPolicy(StrEnum):
    """When a container that ended is started again."""

    ALWAYS = "Always"
    ON_FAILURE = "OnFailure"
    NEVER = "Never"

    def restarts(self, exit_code: int) -> bool:
        """Whether a container that ended with this code is started again."""
        match self:
            case RestartPolicy.ALWAYS:
                return True
            case RestartPolicy.ON_FAILURE:
                return exit_code != 0
            case RestartPolicy.NEVER:
                return False

    @property
    def for_init(self) -> "RestartPolicy":
        """The policy of a pod's init containers, which must end."""
        return RestartPolicy.ON_FAILURE if self is RestartPolicy.ALWAYS else self


def phase(
    policy: RestartPolicy, containers: Sequence[ContainerView], init_containers: Sequence[ContainerView] = ()
) -> str:
    """Return a pod's phase."""
    if not any(_begun(container) for container in containers):
        failed = policy is RestartPolicy.NEVER and any(_failed(container) for container in init_containers)
        return "Failed" if failed else "Pending"
    if any(isinstance(one.state, Waiting) and one.last is None for one in containers):
        return "Pending"
    beside = [container for container in init_containers if container.sidecar]
    codes = [end.exit_code for one in containers if (end := _end(one)) is not None]
    runs = any(isinstance(one.state, Running) for one in (*containers, *beside))
    if runs or any(policy.restarts(code) for code in codes):
        return "Running"
    return "Failed" if any(codes) else "Succeeded"


def _failed(container: ContainerView) -> bool:
    return isinstance(container.state, Terminated) and container.state.exit_code != 0


def _begun(container: ContainerView) -> bool:
    return not isinstance(container.state, Waiting) or container.last is not None


def _end(container: ContainerView) -> Terminated | None:
    return container.state if isinstance(container.state, Terminated) else container.last
