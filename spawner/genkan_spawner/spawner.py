"""GenkanSpawner: a KubeSpawner that offers the catalogue and keeps to the restricted Pod Security Standard."""

from collections.abc import Awaitable, Mapping
from contextlib import suppress
from http import HTTPStatus
from typing import Any, NoReturn, Self

from jupyterhub.utils import maybe_future
from traitlets import TraitError, Unicode, default, observe, validate

from genkan_profiles import (
    ChoiceError,
    DocumentError,
    Homes,
    ProfileList,
    WhenFull,
    check_choice,
    chosen_conditions,
    chosen_names,
    chosen_overrides,
    remembered,
)
from genkan_profiles.language.sentences import NOTHING, Sentence, say

from .baseline import Baseline
from .cards import Fields, Hand, cards_for
from .checks.conditions import Conditions
from .form import Form
from .home_spawner import HomeSpawner
from .homes.claims import settle_claim
from .homes.taking import home_traits
from .hub_view import HubView
from .kubespawner_seam import commit
from .merging import prepare, resolved
from .offering import (
    catalogue_source,
    current_catalogue,
    known_catalogue,
    offered_profiles,
    offering_of,
    team_namespaces,
)
from .origins import LinkFollowedError, linked, sender, sent, was_sent, with_full_names, without_idle_fields
from .reasons import Reason
from .refusals import Refusal
from .starting.answer import answer_form
from .status import status_for


class GenkanSpawner(HomeSpawner):
    """Starts single-user servers as pods, on hardware and images from a catalogue.

    Every trait of KubeSpawner can be set; what is different here are defaults, the catalogue in the place of
    `profile_list`, and that a choice which is not offered or cannot start is refused before anything is created.
    """

    catalogue_file = Unicode(
        "",
        config=True,
        help="""
        Path of the catalogue: the YAML file, or directory of files, with what users can choose from.

        Empty, the default, stands for the catalogue that comes with Genkan (two sizes without GPUs, one and two GPUs),
        whose images are placeholders. `genkan profiles show --catalogue FILE` prints what a file offers, or every
        problem in it with line and column. A hub does not start with a broken catalogue. While it runs it takes up
        changes by itself, and keeps to the last good catalogue while the newest one is broken.

        Example::

            c.GenkanSpawner.catalogue_file = "/etc/genkan/catalogue.yaml"
        """,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._baseline = Baseline()
        self._earlier_options: dict[str, Any] = {}
        super().__init__(*args, **kwargs)

    @validate("catalogue_file")
    def _validate_catalogue_file(self, proposal: Any) -> str:
        value = str(proposal.value)
        try:
            catalogue_source(value).first()
        except DocumentError as error:
            raise TraitError(f"The catalogue cannot be used.\n{error}") from error
        return value

    @observe("user_options")
    def _keep_earlier_options(self, change: Any) -> None:
        """Remember the choice before the present one, which JupyterHub has already overwritten in its database."""
        self._earlier_options = dict(change.old) if isinstance(change.old, dict) else {}

    @property
    def team_namespaces(self) -> frozenset[str]:
        """Where servers of the catalogue's teams run, as it is now."""
        return team_namespaces(self.catalogue_file)

    @property
    def homes(self) -> Homes | None:
        """How the catalogue keeps homes; None where the hub's configuration says."""
        catalogue = known_catalogue(self.catalogue_file) if self._has_catalogue else None
        return catalogue.homes if catalogue is not None else None

    @property
    def view(self) -> HubView:
        """The view of the cluster that all spawners share, and of the disks of the catalogue as it is now."""
        view = super().view
        view.disks.follow(known_catalogue(self.catalogue_file) if self._has_catalogue else None)
        return view

    @default("profile_list")
    def _default_profile_list(self) -> Any:
        return offered_profiles

    @default("options_form")
    def _default_options_form(self) -> Any:
        return _form

    @default("options_from_form")
    def _default_options_from_form(self) -> Any:
        return self._read_form

    @default("apply_user_options")
    def _default_apply_user_options(self) -> Any:
        return _grant_time

    @default("cmd")
    def _default_cmd(self) -> list[str]:
        """Start the server in any image: without a command KubeSpawner leaves out the arguments too."""
        return ["jupyterhub-singleuser"]

    @default("delete_pvc")
    def _default_delete_pvc(self) -> bool:
        """Keep the home when a user or a named server is deleted: nothing here ever deletes one."""
        return False

    @default("uid")
    def _default_uid(self) -> int:
        return 1000

    @default("fs_gid")
    def _default_fs_gid(self) -> int:
        return 100

    @default("pod_security_context")
    def _default_pod_security_context(self) -> dict[str, Any]:
        """Ask for what the restricted standard wants of a pod, containers of a site included."""
        return {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
            # Else every start walks through the whole home to change owners.
            "fsGroupChangePolicy": "OnRootMismatch",
        }

    @default("container_security_context")
    def _default_container_security_context(self) -> dict[str, Any]:
        return {"capabilities": {"drop": ["ALL"]}}

    def load_state(self, state: dict[str, Any]) -> None:
        """Find a server again that outlived its hub, in its team's namespace, and return to the hub's own after it."""
        self._baseline.keep(self, ["namespace"])
        super().load_state(state)

    def clear_state(self) -> None:
        """Undo what the profile of the last server changed, before the hooks of the next start see any of it."""
        self._baseline.restore(self)
        super().clear_state()

    async def load_user_options(self) -> None:
        """Apply the user's choice, or refuse it if it is not offered.

        What the user sends now must be offered now: a page may have been open while the catalogue changed. A choice
        that JupyterHub remembers for a start without any is followed as far as it is still offered.
        """
        self._baseline.restore(self)
        profiles = await self.offered()
        # The handler is that of the last request but one while a form is being answered.
        sent = sender.get() is self or was_sent(self.handler)
        if not sent:
            self._set_options(remembered(profiles, self.user_options))
        try:
            check_choice(profiles, self.user_options)
        except ChoiceError as error:
            if sent:
                self._set_options(self._earlier_options)
            raise Refusal(error.sentence, reason=Reason.ACCESS) from error
        self.chosen_names = chosen_names(profiles, self.user_options)
        for override in chosen_overrides(profiles, self.user_options):
            values = await resolved(override, self)
            self._baseline.keep(self, values)
            prepare(self, values)
            self._apply_overrides(values)
        await self._take_home()
        self.dns_name = self.dns_name_template.format(namespace=self.namespace, name=self.pod_name)
        self.conditions = Conditions.of(chosen_conditions(profiles, self.user_options))

    async def _take_home(self) -> None:
        """Mount the home as the catalogue has it, and the claim that the user has; refused where there is none."""
        catalogue = (await current_catalogue(self)).catalogue if self._has_catalogue else None
        self.home_claim = ""
        if catalogue is not None and catalogue.homes is not None:
            try:
                values = await home_traits(self, catalogue, catalogue.homes)
            except Refusal:
                # Other users who choose the same have homes.
                if not self.foresees:
                    raise
                return
            self._baseline.keep(self, values)
            for name, value in values.items():
                setattr(self, name, value)
        if not self.foresees:
            await settle_claim(self, self.view.api)

    @property
    def _has_catalogue(self) -> bool:
        """Whether a catalogue counts: a site may have profiles of its own instead."""
        return self.profile_list is offered_profiles or bool(self.catalogue_file)

    async def recall(self) -> None:
        """Follow a start of an earlier hub as that one did, as far as its choice is still offered."""
        if self.orm_spawner is not None:
            self.user_options = dict(self.orm_spawner.user_options or {})
        with suppress(Refusal):
            self.conditions = await self.grant_time()

    async def grant_time(self) -> Conditions:
        """Let a start on hardware for which users may wait take as long as they may wait, and then as long as any.

        Returns the conditions of the choice. Raises Refusal where nothing is offered.
        """
        profiles = await self.offered()
        found = Conditions.of(chosen_conditions(profiles, remembered(profiles, self.user_options)))
        if found.when_full is WhenFull.WAIT:
            self._baseline.keep(self, ["start_timeout"])
            self.set_trait("start_timeout", self._baseline["start_timeout"] + int(self.waiting_timeout))
        return found

    async def offered(self) -> ProfileList:
        """Return what this user is offered now, not to be changed; a user who is offered nothing is refused."""
        offered = self.profile_list
        if offered is offered_profiles:
            return offering_of(self, await offered_profiles(self)).profiles
        if callable(offered):
            offered = await maybe_future(offered(self))
        return self.filled_in(self._sorted_dict_values(offered))

    def filled_in(self, offered: ProfileList) -> ProfileList:
        """Return a copy of a list with what KubeSpawner lets out; an empty one is refused."""
        profiles: ProfileList = self._get_initialized_profile_list(offered)
        if not profiles:
            sentence = say("Nothing is offered to you on this hub; its administrators can change that.")
            raise Refusal(sentence, reason=Reason.ACCESS, status_code=HTTPStatus.FORBIDDEN)
        return profiles

    def twin(self, options: Mapping[str, str]) -> Self:
        """Return a spawner of the same user and catalogue with a choice, for looking at what it would create."""
        twin = super().twin(options)
        twin.catalogue_file = self.catalogue_file
        return twin

    def _set_options(self, options: dict[str, Any]) -> None:
        """Set the choice, and what JupyterHub remembers of it."""
        self.user_options = dict(options)
        if self.orm_spawner is not None and self.orm_spawner.user_options != self.user_options:
            self.orm_spawner.user_options = dict(options)
            commit(self)

    def _read_form(self, formdata: dict[str, list[str]]) -> Awaitable[dict[str, Any]]:
        # Not in the coroutine, which may become a task with a context of its own.
        options = self.choice_of(formdata)
        sender.set(self)
        sent.set(options)
        return self._answer(options)

    def options_from_query(self, query_data: dict[str, list[str]]) -> NoReturn:
        """Keep what a link says for the form that is shown next; following a link starts nothing."""
        linked.set(self.choice_of(query_data))
        raise LinkFollowedError

    def choice_of(self, formdata: dict[str, list[str]]) -> dict[str, Any]:
        """Return what the fields of a form say, offered or not."""
        return without_idle_fields(self._options_from_form(with_full_names(formdata)))

    async def _answer(self, options: dict[str, Any]) -> dict[str, Any]:
        """Return the choice of a form; raises Refusal, and the form that is shown again has the choice as it was."""
        if self.apply_user_options is _grant_time:
            await answer_form(self, options)
        return options

    async def form(self, *, fields: Fields | None = None, options: Mapping[str, Any] | None = None) -> Form:
        """Return the form of this server as things are now.

        `fields` are those of a form that is being filled in, `options` a choice in the place of the last one.
        """
        shown = self.user_options if options is None else dict(options)
        hand = await cards_for(self, fields or {}, options=shown, as_typed=options is not None)
        viewer = self.handler.current_user if self.handler is not None else self.user
        loaded = await current_catalogue(self) if self._has_catalogue else None
        return Form(
            hand.cards,
            template=self.profile_form_template,
            folders=self.additional_profile_form_template_paths,
            options=shown,
            status=status_for(self, hand),
            aftermath=self.aftermath,
            user_name=self.user.name,
            server_name=self.name,
            broken=loaded.broken if loaded is not None else None,
            unknown_disks=self.view.disks.problems(),
            for_administrator=bool(getattr(viewer, "admin", False)),
            problem=_problem(hand, linked.get()),
        )


def _problem(hand: Hand, link: Mapping[str, Any] | None) -> Sentence:
    """Return why what a link asks for cannot be preselected as it is; empty where it can."""
    if not link:
        return NOTHING
    try:
        check_choice(hand.offering.profiles, link)
    except ChoiceError as error:
        return error.sentence
    return NOTHING


async def _form(spawner: GenkanSpawner) -> Form:
    """Return the form of the server whose form was sent, if one was, or else of this one."""
    sent_for = sender.get()
    shown, options = spawner, linked.get()
    if sent_for is not None and sent_for.user is spawner.user:
        shown, options = sent_for, sent.get()
    shown.view.promises.release(shown)
    return await shown.form(options=options)


async def _grant_time(spawner: GenkanSpawner, _options: Any) -> None:
    """Set how long this start may take, which JupyterHub must know before; the options are applied by the start."""
    await spawner.grant_time()
