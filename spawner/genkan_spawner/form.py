"""The profile form: what one user is offered and what would come of it, in the language of whoever reads it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup

from genkan_profiles import DocumentError
from genkan_profiles.language.sentences import NOTHING, Sentence, say
from genkan_profiles.language.translations import Language, language

from .aftermath import Aftermath
from .cards import Shown
from .counts import Amount, TeamShare
from .drawings import drawings, once_per_option
from .hub_view import Standing
from .notices import disk_notices
from .templating import own_templates, templates

_OTHER_KIND = say("Servers")
"""Where a site's own list does not say what kind of hardware it is."""


@dataclass(frozen=True, slots=True)
class Status:
    """What a form says of the cluster beside the cards."""

    totals: Sentence = NOTHING
    """How much is free of all that is offered."""
    teams: Sequence[TeamShare] = ()
    home: Amount | None = None
    view: Standing | None = None
    """How far all of it can be trusted; None where nothing is foreseen."""

    def shares(self, reader: Language) -> Markup:
        """Return what the teams have left, as a part of a page."""
        return Markup(_macros(reader).shares(self.teams, self.home).strip())  # noqa: S704  # a macro has made it

    def fresh(self, reader: Language, *, with_age: bool = True) -> Markup:
        """Return how much is free and how old that is, as a part of a page."""
        if self.view is None:
            return Markup()
        age = self.view.age if with_age else None
        return Markup(_macros(reader).fresh(self.totals, self.view.known, age).strip())  # noqa: S704  # same


@dataclass(frozen=True, slots=True)
class Form:
    """The form of one server, for as many readers as there are.

    `template` is a site's own template or empty, `folders` where a `form.html` is looked for before ours; both get
    `profile_list` and `user_options` as with KubeSpawner. Only the cards are kept between forms, by what they are made
    of; all that is one user's own is rendered each time.
    """

    cards: Sequence[Shown]
    template: str
    folders: Sequence[str]
    options: dict[str, Any]
    status: Status = field(default_factory=Status)
    problem: Sentence = NOTHING
    """Why what a link asks for is not preselected."""
    aftermath: Aftermath | None = None
    """The end of the user's last server."""
    user_name: str = ""
    server_name: str = ""
    broken: DocumentError | None = None
    """What is wrong with the newest catalogue, for administrators."""
    unknown_disks: Sequence[str] = ()
    """Sentences for administrators."""
    for_administrator: bool = False
    """Whether the one who asked for it may see what is for administrators."""

    def render(self, reader: Language, *, for_administrator: bool | None = None) -> Markup:
        """Return the form as a part of a page."""
        told = self.for_administrator if for_administrator is None else for_administrator
        environment = templates(reader, tuple(self.folders))
        page = environment.from_string(self.template) if self.template else environment.get_template("form.html")
        problems = self.broken.problems if told and self.broken is not None else ()
        text = page.render(
            profile_list=[shown.profile for shown in self.cards],
            user_options=self.options,
            user_name=self.user_name,
            server_name=self.server_name,
            problem=self.problem,
            catalogue_problem=next(iter(problems), None),
            aftermath=self.aftermath,
            view=self.status.view,
            fresh=self.status.fresh(reader),
            shares=self.status.shares(reader),
            notices=disk_notices(self.cards),
            unknown_disks=self.unknown_disks if told else (),
            once=once_per_option(),
            kinds=lambda: self._by_kind(reader),
        )
        return Markup(text)  # noqa: S704  # a template with autoescape has made it

    def moving_parts(self, reader: Language) -> dict[str, Any]:
        """Return the parts that go with the cluster, as JSON has them: for a page that is open."""
        drawn = drawings(reader)
        return {
            "cards": {
                shown.card.slug: {"live": drawn.live(shown), "closed": shown.closed, "refused": shown.refused}
                for shown in self.cards
            },
            "shares": self.status.shares(reader),
            "fresh": self.status.fresh(reader, with_age=False),
        }

    def __html__(self) -> str:
        """Return it in English, where a site's own page has it as a text."""
        return str(self.render(language("en")))

    def __str__(self) -> str:
        return self.__html__()

    def _by_kind(self, reader: Language) -> dict[str, list[Markup]]:
        """Return the cards as parts of a page, under what kind of hardware they are, in the order of the catalogue."""
        kinds: dict[str, list[Markup]] = {}
        once = once_per_option()
        for shown in self.cards:
            part = drawings(reader).card(shown, once=once)
            kinds.setdefault(shown.card.profile.get("kind", _OTHER_KIND), []).append(part)
        return kinds


def _macros(reader: Language) -> Any:
    return own_templates(reader).get_template("shares.html").module
