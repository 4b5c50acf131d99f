"""ClusterSpawner: a KubeSpawner that starts, polls and stops by one view of the cluster, and refuses what cannot be.

KubeSpawner's own reflectors are not started: one that fails once reports running servers as dead, and it lists all pods
again every ten seconds.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from kubespawner import KubeSpawner
from traitlets import Float, default

from genkan_profiles import WhenFull
from genkan_profiles.language.sentences import NOTHING, say_number

from .aftermath import Aftermath
from .checks.conditions import Conditions
from .checks.demand import Demand
from .checks.findings import Verdict
from .cluster.snapshot import Snapshot
from .exceptions import KubernetesError, NotFoundError
from .following.endings import Ending, Patience
from .following.happenings import Happening
from .following.latest_events import LatestEvents
from .hooks import call_hook
from .hub_view import HubView
from .kinds import PODS
from .kubespawner_seam import (
    ServersAsReflector,
    commit,
    is_looked_for_again,
    knows_claim,
    new_claim,
    take_claim,
)
from .marks import hub_mark
from .quiet import without_tracebacks
from .removal import remove_pod
from .start_page import StartPage
from .starting.start import Start
from .starting.story import Story
from .starting.taking_up import taken_up

_ENDED = "genkan_ended"
"""Key of the end of the last server in the state that JupyterHub keeps."""


class ClusterSpawner(KubeSpawner):  # type: ignore[misc]  # KubeSpawner is published without types
    """Knows the cluster before it starts a server, and follows the pod until it ends."""

    placing_timeout = Float(
        60.0,
        config=True,
        min=1.0,
        help="""
        Seconds that a server may wait for room on a machine before its start is refused.

        Preflight has found room just before, so that waiting is the exception: somebody else was quicker. It does not
        apply while pods of lower priority are being stopped for the server, which takes their grace period, nor to
        hardware with `when_full: wait`; there `waiting_timeout` does.
        """,
    )
    waiting_timeout = Float(
        3600.0,
        config=True,
        min=1.0,
        help="""
        Seconds that a server on hardware with `when_full: wait` may wait for its turn.

        Each start that waits counts for JupyterHub's `concurrent_spawn_limit`; raise that where many wait.
        """,
    )
    pulling_timeout = Float(
        30.0,
        config=True,
        min=0.0,
        help="""
        Seconds after which a start is refused whose image cannot be fetched for a reason that may pass.

        An image that does not exist, or may not be fetched, ends the start at once. It is no limit for how long
        fetching takes; `start_timeout` is.
        """,
    )
    mounting_timeout = Float(
        60.0,
        config=True,
        min=0.0,
        help="""
        Seconds after which a start is refused whose storage cannot be mounted, or is held by another machine.
        """,
    )

    idle_timeout = Float(
        0.0,
        config=True,
        min=0.0,
        help="""
        Seconds after which the hub's culler stops servers that nobody uses; 0 if there is none.

        It stops nothing itself: it is for telling users at their next visit why their server is gone.
        `genkan_hub.configure` sets it together with the culler.
        """,
    )

    user: Any
    """JupyterHub's user, which is published without types."""
    conditions = Conditions()
    """What the present choice adds to its pod's demand."""
    aftermath: Aftermath | None = None
    """The end of the last server, for the next visit."""
    dismissal: Aftermath | None = None
    """What its user is told if the server is stopped now; None for an ordinary stop."""
    foreseen_namespace: str = ""
    """Where the start that is about to come will be, as far as its form has been answered."""
    seen_claim: tuple[str, str] | None = None
    """Namespace and name of the claim of the home, if it was there a moment ago."""
    chosen_names: Sequence[str] = ()
    """What was chosen for the present start, as people call it."""
    cancelling: bool = False
    """Whether its start is being given up at its user's wish."""
    foresees: bool = False
    """Whether nothing is started with it, and it only shows what it would create."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._story = Story()
        self._events = LatestEvents()
        self._looking: asyncio.Task[Any] | None = None
        super().__init__(*args, **kwargs)
        without_tracebacks(self.log)

    @default("events_enabled")
    def _default_events_enabled(self) -> bool:
        """Leave KubeSpawner's watch of all events alone: those of one pod are asked for while its start takes long."""
        return False

    @property
    def view(self) -> HubView:
        """The view of the cluster that all spawners of this hub share."""
        return HubView.of(self)

    @property
    def hub_mark(self) -> str:
        """The label by which this hub knows the pods that it has made; empty outside a hub."""
        secret = self.user.settings.get("cookie_secret")
        return hub_mark(secret) if secret else ""

    @property
    def team_namespaces(self) -> frozenset[str]:
        """Where servers of teams run: what is watched beside the hub's own place if the whole cluster may not be."""
        return frozenset()

    @property
    def pod_reflector(self) -> ServersAsReflector:
        """The pods of all servers, where KubeSpawner looks for them."""
        return ServersAsReflector(self.view.servers)

    @property
    def patience(self) -> Patience:
        """How long each obstacle to a start may last."""
        return Patience(
            placing=None if self.conditions.when_full is WhenFull.WAIT else self.placing_timeout,
            pulling=self.pulling_timeout,
            mounting=self.mounting_timeout,
        )

    @property
    def circumstances(self) -> Conditions:
        """The conditions of the present choice, with the claim that a start would make."""
        return replace(self.conditions, creates=new_claim(self))

    def examine(self, demand: Demand, snapshot: Snapshot) -> Verdict:
        """Return what all checks say of the pod that would be created."""
        return self.circumstances.examine(demand, snapshot)

    def twin(self, options: Mapping[str, str]) -> Self:
        """Return a spawner of the same user with a choice, for looking at what it would create."""
        twin = type(self)(
            user=self.user,
            hub=self.hub,
            config=self.config,
            oauth_client_id=self.oauth_client_id,
            api_token="",
        )
        twin.user_options = dict(options)
        twin.foresees = True
        take_claim(twin, self.pvc_name, exists=knows_claim(self))
        return twin

    def get_state(self) -> dict[str, Any]:
        """Keep the end of the last server beside what KubeSpawner keeps."""
        state: dict[str, Any] = super().get_state()
        if self.aftermath is not None:
            state[_ENDED] = self.aftermath.to_state()
        return state

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what was kept."""
        super().load_state(state)
        self.aftermath = Aftermath.from_state(state.get(_ENDED))

    async def poll(self) -> int | None:
        """Return None while the server runs, or while nobody can know that it does not."""
        view = self.view
        await view.ready()
        if is_looked_for_again(self) and (failure := await taken_up(self, view, story=self._story)) is not None:
            self.aftermath = failure
            return 1
        if view.servers.get(self.namespace, self.pod_name) is None:
            if not view.sees_pods(self.namespace) and not await self._is_gone():
                return None
            self._note_end(view.servers.ending(self.namespace, self.pod_name))
            return 1
        # Before KubeSpawner removes a pod that has ended.
        ending = view.servers.ending(self.namespace, self.pod_name)
        status: int | None = await super().poll()
        if status is not None:
            self._note_end(ending)
        else:
            self._expect_end()
        return status

    async def recall(self) -> None:
        """Find out again what an earlier hub knew of a start: under which conditions, and how long it may take."""

    async def stop(self, now: bool = False) -> None:  # noqa: FBT001, FBT002  # KubeSpawner's signature
        """Delete the pod and wait until it is gone."""
        view = self.view
        await view.ready()
        self._note_stop()
        await remove_pod(
            view,
            self.namespace,
            self.pod_name,
            grace_seconds=0 if now else self.delete_grace_period,
            tries_for=self.k8s_api_request_retry_timeout,
            gone_within=self.start_timeout,
        )
        view.servers.settle(self.namespace, self.pod_name)

    async def progress(self) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the sentences of the present start, to every page that asks; JupyterHub ends it."""
        async for told in self._story.read():
            yield {"progress": told.percent, "message": told.sentence}

    @property
    def start_page(self) -> StartPage:
        """The present start, for pages that show it."""
        note = NOTHING
        if self.conditions.when_full is WhenFull.WAIT:
            minutes = round(self.waiting_timeout / 60)
            note = say_number(
                "It may wait for room for one minute.",
                "It may wait for room for up to {minutes} minutes.",
                minutes,
                minutes=minutes,
            )
        return StartPage(tuple(self._story.told), self._story.age, self.chosen_names, note)

    async def more_told(self, than: int, *, within: float) -> None:
        """Wait for more sentences of the present start than there were, for so many seconds."""
        await self._story.beyond(than, within=within)

    async def cluster_events(self) -> Sequence[Happening]:
        """Return what the cluster has said of the server's pod, newest last; nothing where it cannot be asked.

        All pages that ask within a few seconds get the same answer.
        """
        pod = self.view.servers.raw(self.namespace, self.pod_name)
        if pod is None:
            return ()
        return await self._events.newest(self.view.api, namespace=self.namespace, uid=pod["metadata"]["uid"])

    async def run_pre_spawn_hook(self) -> None:
        """Run the site's own hook; one that fails is a refusal."""
        if self.pre_spawn_hook:
            await call_hook("pre_spawn_hook", self.pre_spawn_hook, self, log=self.log)

    async def run_auth_state_hook(self, auth_state: dict[str, Any] | None) -> None:
        """Run the site's own hook; one that fails is a refusal."""
        if self.auth_state_hook is not None:
            await call_hook("auth_state_hook", self.auth_state_hook, self, auth_state, log=self.log)

    def clear_state(self) -> None:
        """Begin a new story with each start, which is when JupyterHub calls this, and at each end."""
        super().clear_state()
        self._story = Story()
        self.dismissal = None
        self._events = LatestEvents()
        self._foretell()

    def _foretell(self) -> None:
        """Have JupyterHub write down where the server will be, with what it writes anyway as a start begins."""
        namespace, self.foreseen_namespace = self.foreseen_namespace, ""
        if namespace and self.orm_spawner is not None:
            dns_name = self.dns_name_template.format(namespace=namespace, name=self.pod_name)
            place = {"namespace": namespace, "dns_name": dns_name}
            self.orm_spawner.state = {key: value for key, value in self.get_state().items() if key != _ENDED} | place

    def remember(self) -> None:
        """Write down where the server will be before it is there: a hub that dies now finds it again."""
        if self.orm_spawner is not None and self.orm_spawner.state != (state := self.get_state()):
            self.orm_spawner.state = state
            commit(self)

    async def _start(self) -> str:
        self.aftermath = None
        url = await Start(self, self.view, story=self._story).run()
        self._expect_end()
        return url

    def _expect_end(self) -> None:
        """Have JupyterHub look at the server as soon as its pod ends, and not at its next round."""

        def look() -> None:
            if self.ready:
                self._looking = asyncio.create_task(self.poll_and_notify())

        self.view.servers.alert(self.namespace, self.pod_name, look)

    async def _start_watching_pods(self, replace: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # KubeSpawner's
        await self.view.ready()

    async def _start_watching_events(self, replace: bool = False) -> None:  # noqa: FBT001, FBT002  # KubeSpawner's
        """Events are asked for by the start itself."""

    async def _is_gone(self) -> bool:
        """Ask the API where the view is blind; without an answer nothing is gone."""
        try:
            await self.view.api.get(PODS, self.pod_name, namespace=self.namespace)
        except NotFoundError:
            return True
        except KubernetesError as e:
            self.log.warning("Whether %s/%s runs cannot be seen: %s", self.namespace, self.pod_name, e.message)
        return False

    def _note_end(self, ending: Ending | None) -> None:
        if ending is not None:
            self.aftermath = Aftermath.of(ending, now=datetime.now(tz=UTC))

    def _note_stop(self) -> None:
        """Keep for the next visit why the server is stopped, where that is not its user's own doing."""
        if self.dismissal is not None:
            self.aftermath = self.dismissal
        else:
            self._note_idleness()

    def _note_idleness(self) -> None:
        last = self.orm_spawner.last_activity if self.orm_spawner is not None else None
        if not self.idle_timeout or last is None:
            return
        now = datetime.now(tz=UTC)
        unused = now - last.replace(tzinfo=UTC)
        if unused >= timedelta(seconds=self.idle_timeout):
            self.aftermath = Aftermath.idle(unused, now=now)
