from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

import pytest

from genkan_hub.profiles.offered import offered_to
from genkan_profiles import BUILT_IN, SAMPLE, load_catalogue, preselected
from genkan_spawner import form as forms
from genkan_spawner.cards import Shown
from genkan_spawner.catalogue_source import CatalogueSource
from genkan_spawner.offering import Card
from genkan_spawner.origins import OWN_VALUE


@dataclass
class Select:
    """A choice of the form: its values, and the one that it starts with."""

    values: list[str] = field(default_factory=list)
    selected: str | None = None


class Form(HTMLParser):
    """What a browser would make of the profile form."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.hardware = Select()
        self.options: dict[str, Select] = {}
        self._open = Select()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        match tag, attributes.get("name"), attributes.get("value"):
            case "input", "profile", str(slug):
                self._add(self.hardware, slug, chosen="checked" in attributes)
            case "select", str(name), _:
                self._open = self.options[name.removeprefix("profile-option-")] = Select()
            case "option", _, str(slug):
                self._add(self._open, slug, chosen="selected" in attributes)
            case _:
                pass

    @staticmethod
    def _add(select: Select, slug: str, *, chosen: bool) -> None:
        select.values.append(slug)
        if chosen:
            select.selected = slug


@pytest.mark.parametrize("path", [BUILT_IN, SAMPLE], ids=["built-in", "sample"])
@pytest.mark.parametrize("groups", [(), ("vision",), ("language",), ("vision", "language", "leads", "admins")], ids=str)
def test_the_command_and_the_form_agree(path: Path, groups: tuple[str, ...]) -> None:
    profiles = preselected(CatalogueSource(path).first().profiles_for(groups), {})
    cards = [Shown(Card.of(profile), keeps=False) for profile in profiles]
    form = Form(str(forms.Form(cards, template="", folders=[], options={})))

    offered = offered_to(load_catalogue(path), groups)

    assert form.hardware.values == [row.slug for row in offered.hardware]
    assert form.hardware.selected == next(row.slug for row in offered.hardware if row.default)
    for row in offered.hardware:
        images = form.options[f"{row.slug}--image"]
        assert [value for value in images.values if value != OWN_VALUE] == list(row.images)
        assert images.selected == row.default_image
    for name, rows in (("priority", offered.priorities), ("team", offered.teams)):
        for row in offered.hardware:
            select = form.options.get(f"{row.slug}--{name}", Select())
            assert select.values == [choice.slug for choice in rows]
            assert select.selected == next((choice.slug for choice in rows if choice.default), None)
