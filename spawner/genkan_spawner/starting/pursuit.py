"""Following a new pod until its server runs, or until it cannot any more."""

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from datetime import UTC, datetime, timedelta

from genkan_profiles.homes import HOME
from genkan_profiles.language.sentences import say, together
from genkan_spawner.api import JsonObject
from genkan_spawner.cluster.projection import mounted_claims
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.following.claim_events import ClaimEvents
from genkan_spawner.following.endings import Ending, Patience, has_failed, obstacle_to_start
from genkan_spawner.following.pod_events import PodEvents
from genkan_spawner.following.pod_state import PodState, moment
from genkan_spawner.following.server_pods import trimmed
from genkan_spawner.following.steps import Progress, progress_of
from genkan_spawner.following.storage_trouble import full_disk
from genkan_spawner.hub_view import HubView
from genkan_spawner.kinds import PODS
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal

from .door import door_opened
from .last_words import last_lines, last_words
from .line import place_in_line
from .story import Story

LOOK_EVERY = 2.0
"""Seconds between two looks at a pod that does not change: patience runs out without an event."""

_SILENT = Ending(Reason.UNAVAILABLE, say("The server runs, but it does not answer."), show_log=True)
_TAKEN_AWAY = Ending(Reason.UNAVAILABLE, say("The server was taken away while it started."))


class Pursuit:
    """One pod on its way, told to the user step by step."""

    def __init__(
        self,
        view: HubView,
        created: JsonObject,
        *,
        story: Story,
        patience: Patience,
        deadline: float,
    ) -> None:
        metadata = created["metadata"]
        self._namespace: str = metadata["namespace"]
        self._name: str = metadata["name"]
        self._uid: str = metadata["uid"]
        self._claims = tuple(mounted_claims(created.get("spec") or {}))
        self._view = view
        self._story = story
        self._patience = patience
        self._deadline = deadline
        self._created = moment(metadata.get("creationTimestamp")) or datetime.now(tz=UTC)
        self._since = asyncio.get_running_loop().time()
        self._shown = False
        self._log_read = False

    async def until_running(self) -> JsonObject:
        """Return the pod when its server runs, without its environment.

        Raises Refusal as soon as that cannot be any more. `deadline` is by the event loop's clock.
        """
        return await self._followed(lambda pod: pod.running)

    async def until_answering(self, url: str, *, within: float) -> None:
        """Wait until the server takes connections; JupyterHub asks it next, and would not see its pod end.

        Raises Refusal if it does not within so many seconds, or ends.
        """
        knocking = asyncio.create_task(door_opened(url))
        following = asyncio.create_task(self._followed(lambda _: False))
        tasks = {knocking, following}
        try:
            await asyncio.wait(tasks, timeout=within, return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                following.result()
            if not knocking.done():
                raise await self._refusal(_SILENT)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _followed(self, arrived: Callable[[PodState], bool]) -> JsonObject:
        changes = self._view.servers.changes(self._namespace, self._name, every=LOOK_EVERY)
        events = PodEvents(self._view.api, namespace=self._namespace, uid=self._uid)
        claims = ClaimEvents(self._view.api, self._view.cache, namespace=self._namespace, claims=self._claims)
        async with events, claims, aclosing(changes):
            async for _ in changes:
                ending: Ending | None
                try:
                    raw = await self._own()
                except KubernetesError:
                    # Nothing is known of the pod now, so that nothing is concluded.
                    ending = self._too_late()
                else:
                    pod = PodState.of(raw) if raw is not None else None
                    if raw is not None and pod is not None and arrived(pod):
                        self._story.tell(progress_of(pod))
                        return raw
                    ending = self._ending(pod, events, claims) or await self._full_disk(pod)
                if ending is not None:
                    raise await self._refusal(ending)
        raise AssertionError("A pod is followed without end.")

    async def _own(self) -> JsonObject | None:
        """Return this very pod and no namesake; where the view is blind the API is asked. Raises KubernetesError."""
        if self._view.sees_pods(self._namespace):
            raw = self._view.servers.raw(self._namespace, self._name)
        else:
            try:
                raw = trimmed(await self._view.api.get(PODS, self._name, namespace=self._namespace))
            except NotFoundError:
                return None
        return raw if raw is not None and raw["metadata"].get("uid") == self._uid else None

    def _ending(self, pod: PodState | None, events: PodEvents, claims: ClaimEvents) -> Ending | None:
        if pod is None:
            if self._shown:
                return self._view.servers.ending(self._namespace, self._name) or _TAKEN_AWAY
            return self._too_late()
        self._shown = True
        events.see(pod)
        self._story.tell(self._progress(pod, events))
        ending = obstacle_to_start(
            pod, events.so_far, of_claims=claims.so_far, now=self._now(), patience=self._patience
        )
        return ending or self._too_late()

    async def _full_disk(self, pod: PodState | None) -> Ending | None:
        """Return that the server could not write, once it has failed: to start it again would not help."""
        if self._log_read or pod is None or not has_failed(pod):
            return None
        self._log_read = True
        full = full_disk(await last_lines(self._view.api, self._namespace, self._name), home=HOME)
        return Ending(Reason.STORAGE, full.sentence, show_log=True) if full else None

    def _now(self) -> datetime:
        """Return the time by the cluster's clock, which dates what patience is measured by; the hub's may differ."""
        return self._created + timedelta(seconds=asyncio.get_running_loop().time() - self._since)

    def _progress(self, pod: PodState, events: PodEvents) -> Progress:
        progress = progress_of(pod, events.so_far)
        if pod.unschedulable is None or self._patience.placing is not None:
            return progress
        line = place_in_line(self._view.cache.snapshot(), self._namespace, self._name)
        return Progress(progress.step, line.sentence) if line is not None else progress

    def _too_late(self) -> Ending | None:
        if asyncio.get_running_loop().time() < self._deadline:
            return None
        sentence, last = say("The server did not start in time."), self._story.last
        if last:
            sentence = together([sentence, say("It got as far as this: {last}", last=last)])
        return Ending(Reason.UNAVAILABLE, sentence)

    async def _refusal(self, ending: Ending) -> Refusal:
        reason, sentence = ending.reason, ending.sentence
        if ending.show_log:
            lines = await last_lines(self._view.api, self._namespace, self._name)
            if full := full_disk(lines, home=HOME):
                reason, sentence, lines = Reason.STORAGE, full.sentence, (full.line,)
            words = last_words(lines)
            if words:
                sentence = together([sentence, say("Its last words: {words}", words=words)])
        status = 503 if reason is Reason.UNAVAILABLE else 409
        return Refusal(sentence, reason=reason, status_code=status, log_message=ending.detail)
