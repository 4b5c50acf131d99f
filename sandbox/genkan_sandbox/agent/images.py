"""Images, which the sandbox does not have: their events and their failures, in the kubelet's words.

kubernetes pkg/kubelet/images/image_manager.go
"""

import time
from collections.abc import Callable

from genkan_sandbox.agent.backoff import RESTART_FIRST, RESTART_MOST, Backoff
from genkan_sandbox.agent.events import EventRecorder, Happening, Reason
from genkan_sandbox.agent.faults import FaultBoard, ImageMissing, InvalidImage
from genkan_sandbox.agent.records import ContainerRecord, PodRecord
from genkan_sandbox.agent.status import Waiting

_SIZE = 2_147_483_648
"""The size that events give for every image, in bytes."""


class ImageStore:
    """Which images which node has pulled, and the pull of those it has not."""

    def __init__(self, *, faults: FaultBoard, events: EventRecorder) -> None:
        self._faults = faults
        self._events = events
        self._present: set[tuple[str, str]] = set()

    async def ensure(
        self, pod: PodRecord, container: ContainerRecord, *, always: bool, waiting: Callable[[Waiting], None]
    ) -> None:
        """Return when a container's image is on its pod's node.

        While a fault keeps it away, `waiting` is told the container's state. It goes on at once when the fault ends.
        """
        backoff = Backoff(RESTART_FIRST, RESTART_MOST)
        while True:
            fault = self._faults.image_fault(pod, container.image)
            match fault:
                case None:
                    return await self._pull(pod, container, always=always)
                case InvalidImage():
                    waiting(self._refuse(pod, container))
                    await self._until_healed(pod, container, RESTART_FIRST)
                case ImageMissing():
                    failure = self._fail(pod, container)
                    waiting(Waiting("ErrImagePull", failure))
                    self._back_off(pod, container)
                    waiting(
                        Waiting(
                            "ImagePullBackOff", f'Back-off pulling image "{container.image}": ErrImagePull: {failure}'
                        )
                    )
                    await self._until_healed(pod, container, backoff.delay())

    async def _pull(self, pod: PodRecord, container: ContainerRecord, *, always: bool) -> None:
        image = container.image
        if (pod.node, image) in self._present and not always:
            message = f'Container image "{image}" already present on machine and can be accessed by the pod'
            self._tell(pod, container, Reason.PULLED, message)
            return
        self._tell(pod, container, Reason.PULLING, f'Pulling image "{image}"')
        begin = time.monotonic()
        while (left := self._faults.pull_seconds(pod, image) - (time.monotonic() - begin)) > 0:
            await self._faults.changed(seconds=left)
        self._present.add((pod.node, image))
        took = _duration(time.monotonic() - begin)
        message = (
            f'Successfully pulled image "{image}" in {took} ({took} including waiting). Image size: {_SIZE} bytes.'
        )
        self._tell(pod, container, Reason.PULLED, message)

    async def _until_healed(self, pod: PodRecord, container: ContainerRecord, seconds: float) -> None:
        end = time.monotonic() + seconds
        before = self._faults.image_fault(pod, container.image)
        while (left := end - time.monotonic()) > 0 and self._faults.image_fault(pod, container.image) == before:
            await self._faults.changed(seconds=left)

    def _refuse(self, pod: PodRecord, container: ContainerRecord) -> Waiting:
        image = container.image
        message = (
            f'Failed to apply default image tag "{image}": couldn\'t parse image name "{image}": '
            "invalid reference format"
        )
        self._tell(pod, container, Reason.INSPECT_FAILED, message, warning=True)
        self._tell(pod, container, Reason.FAILED, "Error: InvalidImageName", warning=True)
        return Waiting("InvalidImageName", message)

    def _fail(self, pod: PodRecord, container: ContainerRecord) -> str:
        image = container.image
        failure = (
            f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": '
            f'failed to resolve reference "{image}": {image}: not found'
        )
        self._tell(pod, container, Reason.PULLING, f'Pulling image "{image}"')
        self._tell(pod, container, Reason.FAILED, f'Failed to pull image "{image}": {failure}', warning=True)
        self._tell(pod, container, Reason.FAILED, "Error: ErrImagePull", warning=True)
        return failure

    def _back_off(self, pod: PodRecord, container: ContainerRecord) -> None:
        self._tell(pod, container, Reason.BACK_OFF, f'Back-off pulling image "{container.image}"')
        self._tell(pod, container, Reason.FAILED, "Error: ImagePullBackOff", warning=True)

    def _tell(
        self, pod: PodRecord, container: ContainerRecord, reason: Reason, message: str, *, warning: bool = False
    ) -> None:
        self._events.record(
            Happening(pod, reason, message, container=container.name, init=container.init, warning=warning)
        )


def _duration(seconds: float) -> str:
    """Write a time in milliseconds as Go does: 712ms, 4.002s, 1m2.5s."""
    if seconds < 1:
        return f"{round(seconds * 1000)}ms"
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes)}m{rest:.3f}s" if minutes else f"{rest:.3f}s"
