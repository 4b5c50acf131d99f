"""One start of a server: every step in order, and everything undone if one of them fails."""

import asyncio
import uuid
from http import HTTPStatus
from typing import TYPE_CHECKING

from genkan_profiles.language.sentences import say
from genkan_spawner.api import JsonObject
from genkan_spawner.exceptions import KubernetesError, NotFoundError
from genkan_spawner.following.steps import Progress, Step
from genkan_spawner.hub_view import HubView
from genkan_spawner.kinds import PODS
from genkan_spawner.kubespawner_seam import (
    call_pod_created_hook,
    claim_is_there,
    claim_manifest,
    companions,
    namespace_manifest,
    pod_manifest,
    pod_url,
)
from genkan_spawner.marks import HUB, START
from genkan_spawner.reasons import Reason
from genkan_spawner.refusals import Refusal
from genkan_spawner.removal import remove_pod

from .companions import create_companion, create_namespace
from .creation import claim_is_missing, create_claim, create_pod, is_of_start, rehearse
from .earlier import end_earlier, recounts
from .pinning import pinned
from .pursuit import Pursuit
from .reservation import reserved
from .story import Story

if TYPE_CHECKING:
    from genkan_spawner.cluster_spawner import ClusterSpawner

MARGIN = 5.0
"""Seconds by which a start ends itself before the hub would, so that the reason is told."""


class Start:
    """Takes a server from the user's choice to a pod that runs."""

    def __init__(self, spawner: "ClusterSpawner", view: HubView, *, story: Story) -> None:
        self._spawner = spawner
        self._view = view
        self._story = story
        self._asked: JsonObject | None = None
        """The manifest that was sent, whether or not there was an answer."""
        self._created: JsonObject | None = None
        self._deadline = asyncio.get_running_loop().time() + max(1.0, spawner.start_timeout - MARGIN)

    @property
    def _within(self) -> float:
        """How many seconds a request that fails for a passing reason is tried again."""
        return float(self._spawner.k8s_api_request_retry_timeout)

    async def run(self) -> str:
        """Return the address of the server; raises Refusal, and then nothing is left that was not there before."""
        spawner = self._spawner
        self._story.tell(Progress(Step.ASKED, say("Your choice is being checked.")))
        await spawner.load_user_options()
        if (place := namespace_manifest(spawner)) is not None:
            await create_namespace(self._view.api, place, within=self._within)
        await self._view.ready()
        try:
            created = await self._create_in_time()
            pursuit = Pursuit(
                self._view, created, story=self._story, patience=spawner.patience, deadline=self._deadline
            )
            pod = await pursuit.until_running()
            url = pod_url(spawner, pod)
            await pursuit.until_answering(url, within=spawner.http_timeout)
        except BaseException:
            await asyncio.shield(self._undo())
            raise
        spawner.pod_id = pod["metadata"]["uid"]
        return url

    async def _create_in_time(self) -> JsonObject:
        """Create the pod and all that belongs to it before the hub would give up without a reason."""
        try:
            async with asyncio.timeout_at(self._deadline):
                created = await self._create()
                for kind, manifest in companions(self._spawner, created):
                    await create_companion(self._view.api, kind, manifest, within=self._within)
                await call_pod_created_hook(self._spawner, created)
        except TimeoutError as e:
            sentence = say("The server could not be created in time. Try again in a minute.")
            raise Refusal(sentence, reason=Reason.UNAVAILABLE, status_code=HTTPStatus.SERVICE_UNAVAILABLE) from e
        return created

    async def _create(self) -> JsonObject:
        """Make room where an earlier server of the same name is, and create this one."""
        spawner = self._spawner
        manifest = await pod_manifest(spawner)
        manifest["metadata"].setdefault("annotations", {})[START] = str(uuid.uuid4())
        if spawner.hub_mark:
            manifest["metadata"].setdefault("labels", {})[HUB] = spawner.hub_mark
        place = spawner.namespace, spawner.pod_name
        if self._view.servers.get(*place) is not None:
            self._tell_of_earlier()
            await end_earlier(self._view, *place, remove=self._remove_earlier)
        async for last in recounts(self._view, *place):
            try:
                return await self._create_from(manifest)
            except Refusal as refusal:
                if last or refusal.reason != Reason.QUOTA:
                    raise
        raise AssertionError("The last attempt ends.")

    async def _create_from(self, manifest: JsonObject) -> JsonObject:
        """Check, reserve, rehearse and create."""
        spawner, api, within = self._spawner, self._view.api, self._within
        held = self._view.promises.take(spawner)
        with reserved(self._view.cache, manifest, examine=spawner.examine, held=held) as reservation:
            manifest = pinned(manifest, reservation.verdict.node)
            claim = await self._missing_claim()
            reservation.settle(await rehearse(api, PODS, manifest))
            self._story.tell(Progress(Step.ASKED, say("The server is being created.")))
            spawner.log.info("Creating pod %s/%s", spawner.namespace, spawner.pod_name)
            spawner.remember()
            self._asked = manifest
            self._created = await create_pod(api, manifest, within=within, remove_earlier=self._remove_earlier)
            reservation.confirm()
            # The pod comes first: it can be taken back, and a home never is.
            if claim is not None:
                await create_claim(api, claim, within=within)
                claim_is_there(spawner)
        return self._created

    async def _missing_claim(self) -> JsonObject | None:
        """Return the claim of the home if it has to be created."""
        if self._spawner.seen_claim == (self._spawner.namespace, self._spawner.pvc_name):
            return None
        claim = await claim_manifest(self._spawner)
        if claim is None or await claim_is_missing(self._view.api, claim):
            return claim
        claim_is_there(self._spawner)
        return None

    async def _remove_earlier(self) -> None:
        self._tell_of_earlier()
        await self._spawner.stop(now=True)

    def _tell_of_earlier(self) -> None:
        self._story.tell(Progress(Step.ASKED, say("An earlier server of yours is ended first.")))

    async def _undo(self) -> None:
        """Take the pod away, that very one; what went wrong before is what the user is told."""
        if self._asked is None:
            return
        metadata = self._asked["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        try:
            created = self._created or await self._unanswered(namespace, name)
            if created is not None:
                await remove_pod(self._view, namespace, name, uid=created["metadata"]["uid"])
                self._view.servers.settle(namespace, name)
        except (KubernetesError, TimeoutError):
            self._spawner.log.warning(
                "The pod %s/%s of a failed start may still be there; it is looked for again later.", namespace, name
            )

    async def _unanswered(self, namespace: str, name: str) -> JsonObject | None:
        """Return the pod of this start, should it have been created though no answer came."""
        try:
            found = await self._view.api.get(PODS, name, namespace=namespace)
        except NotFoundError:
            return None
        return found if self._asked is not None and is_of_start(found, self._asked) else None
