import asyncio
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyterhub.handlers.pages import SpawnHandler
from jupyterhub.utils import format_exception, maybe_future

from genkan_spawner import GenkanSpawner, Reason, Refusal
from genkan_spawner.offering import catalogue_source
from genkan_spawner.origins import LinkFollowedError

from ..support.spawner import MakeSpawner, spawners
from .catalogues import LAB, RICH, VISION, joined

CATALOGUE = """\
hardware:
  - {slug: small, display_name: Small, cpu: 1, memory: 2Gi}
  - {slug: card, display_name: "<script>alert('x')</script>", description: "{{ 7 * 7 }} & <b>", cpu: 2, memory: 8Gi,
     gpu: {count: 1}, default: true}
images:
  - {slug: one, display_name: '"> <img src=x>', description: "<i>1</i>", image: "registry.example.org/one:1"}
  - {slug: two, display_name: Two, image: "registry.example.org/two:1", default: true}
"""


@pytest.fixture
async def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeSpawner]:
    async with spawners(tmp_path, monkeypatch) as (_, made):
        yield made


@pytest.fixture
def catalogue(tmp_path: Path) -> str:
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE)
    return str(file)


@pytest.fixture
def rich(tmp_path: Path) -> str:
    file = tmp_path / "rich.yaml"
    file.write_text(RICH)
    return str(file)


class Form(HTMLParser):
    """What a browser would send, what a screen reader would read, and which elements there are."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._select: str | None = None
        self.selected: dict[str, str | None] = {}
        self.texts: dict[str, str | None] = {}
        self.choices: dict[str, list[str | None]] = {}
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.elements.append((tag, given))
        if tag == "select":
            self._select = given["name"]
        if tag == "option" and self._select:
            self.choices.setdefault(self._select, []).append(given["value"])
            if "selected" in given:
                self.selected[self._select] = given["value"]
        if tag == "input" and given["type"] == "text":
            self.texts[given["name"] or ""] = given["value"]
        if tag == "input" and "checked" in given:
            self.selected["profile"] = given["value"]

    def handle_data(self, data: str) -> None:
        self.text += data

    def every(self, tag: str) -> list[dict[str, str | None]]:
        return [given for name, given in self.elements if name == tag]

    def sent(self, **changed: str) -> dict[str, list[str]]:
        """What a browser without JavaScript sends, with these fields changed."""
        fields = {**self.selected, **self.texts, **changed}
        return {name: [value or ""] for name, value in fields.items()}


async def form(spawner: GenkanSpawner) -> Form:
    return Form(str(await spawner.get_options_form()))


async def test_the_form_offers_the_catalogue_in_its_order(make: MakeSpawner, catalogue: str) -> None:
    page = await form(make(catalogue_file=catalogue))

    assert [given["value"] for given in page.every("input")] == ["small", "card"]
    assert [given["name"] for given in page.every("select")] == [
        "profile-option-small--image",
        "profile-option-card--image",
    ]
    assert "1 CPU, 2 GB memory" in page.text
    assert page.text.index("CPU") < page.text.index("GPU")


async def test_names_of_the_catalogue_are_text_and_never_markup(make: MakeSpawner, catalogue: str) -> None:
    page = await form(make(catalogue_file=catalogue))

    allowed = {
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "input",
        "label",
        "legend",
        "option",
        "p",
        "select",
        "span",
    }
    assert {tag for tag, _ in page.elements} == {*allowed, "br", "summary"}
    assert "<script>alert('x')</script>" in page.text
    assert "{{ 7 * 7 }} & <b>" in page.text
    assert '"> <img src=x>' in page.text
    assert "<i>1</i>" in page.text


@pytest.mark.parametrize("groups", [(), (VISION, LAB)])
async def test_every_field_of_the_form_has_a_label_and_every_reference_a_target(
    make: MakeSpawner, rich: str, groups: tuple[str, ...]
) -> None:
    page = await form(joined(make(catalogue_file=rich), *groups))
    ids = [given["id"] for _, given in page.elements if "id" in given]

    assert len(ids) == len(set(ids))
    labelled = [given["for"] for given in page.every("label")]
    assert len(labelled) == len(set(labelled))
    assert {given["id"] for tag in ("input", "select") for given in page.every(tag)} == set(labelled)
    described = {target for given in page.every("input") for target in (given["aria-describedby"] or "").split()}
    assert described <= set(ids)
    assert len(page.every("fieldset")) == len(page.every("legend"))
    assert page.every("script") == []


async def test_a_user_sees_what_the_groups_allow(make: MakeSpawner, rich: str) -> None:
    nobody = await form(make(catalogue_file=rich))
    member = await form(joined(make(catalogue_file=rich), LAB, VISION))

    assert [given["value"] for given in nobody.every("input")] == ["cpu", "a100", "old"]
    assert nobody.choices["profile-option-old--image"] == ["plain"]
    assert nobody.choices["profile-option-cpu--priority"] == ["normal", "burst"]
    assert "profile-option-cpu--team" not in nobody.choices
    radios = [given["value"] for given in member.every("input") if given["type"] == "radio"]
    assert radios == ["cpu", "a100", "slice", "old"]
    assert member.choices["profile-option-slice--image"] == ["pytorch", "plain", "own--value"]
    assert member.choices["profile-option-cpu--team"] == ["vision", "lab"]


async def test_descriptions_of_choices_can_be_read(make: MakeSpawner, rich: str) -> None:
    page = await form(make(catalogue_file=rich))

    assert "The newest one." in page.text
    assert "May be interrupted." in page.text
    assert "For large models." in page.text


@pytest.mark.parametrize(
    ("saved", "selected"),
    [
        ({}, ("card", "two")),
        ({"profile": "small", "image": "one"}, ("small", "one")),
        ({"profile": "small", "image": "gone"}, ("small", "two")),
        ({"profile": "gone", "image": "one"}, ("card", "two")),
        ({"profile": ["small"]}, ("card", "two")),
        ({"profile": "small", "image--unlisted-choice": 5}, ("small", "two")),
        ({"profile": "small", "image": {"a": []}, "namespace": "kube-system"}, ("small", "two")),
    ],
)
async def test_the_last_choice_is_preselected_and_a_vanished_one_does_no_harm(
    make: MakeSpawner, catalogue: str, saved: dict[str, Any], selected: tuple[str, str]
) -> None:
    page = await form(make(catalogue_file=catalogue, user_options=saved))

    profile, image = selected
    assert page.selected["profile"] == profile
    assert page.selected[f"profile-option-{profile}--image"] == image
    assert len(page.selected) == 3


async def test_what_the_form_sends_can_be_started(make: MakeSpawner, rich: str) -> None:
    spawner = joined(make(catalogue_file=rich), VISION)
    page = await form(spawner)

    spawner.user_options = spawner.choice_of(page.sent(profile="a100"))

    assert spawner.user_options == {"profile": "a100", "image": "pytorch", "priority": "burst", "team": "vision"}
    await spawner.load_user_options()
    assert (spawner.image, spawner.namespace) == ("registry.example.org/pytorch:26.09", "team-vision")


async def test_an_own_image_is_the_entry_and_its_text_and_is_found_there_again(make: MakeSpawner, rich: str) -> None:
    spawner = joined(make(catalogue_file=rich), VISION)
    fields = {
        "profile": "slice",
        "profile-option-slice--image": "own--value",
        "profile-option-slice--image--unlisted-choice": " registry.example.org/own/a:1 ",
    }

    spawner.user_options = spawner.choice_of((await form(spawner)).sent(**fields))
    await spawner.load_user_options()
    again = await form(spawner)

    assert spawner.image == "registry.example.org/own/a:1"
    assert again.selected["profile-option-slice--image"] == "own--value"
    assert again.selected["profile-option-cpu--image"] == "pytorch"
    assert again.texts["profile-option-slice--image--unlisted-choice"] == "registry.example.org/own/a:1"
    assert again.texts["profile-option-cpu--image--unlisted-choice"] == ""


async def test_a_text_beside_another_entry_is_left_out(make: MakeSpawner, rich: str) -> None:
    spawner = joined(make(catalogue_file=rich), VISION)
    text = {"profile-option-cpu--image--unlisted-choice": "registry.example.org/own/a:1"}

    sent = spawner.choice_of((await form(spawner)).sent(**text))

    assert sent == {"profile": "cpu", "image": "pytorch", "priority": "burst", "team": "vision"}


async def test_an_own_image_that_is_not_named_is_asked_for(make: MakeSpawner, rich: str) -> None:
    spawner = joined(make(catalogue_file=rich), VISION)
    fields = {"profile-option-cpu--image": "own--value"}
    sent = (await form(spawner)).sent(**fields)

    with pytest.raises(Refusal, match=r"Name the image that you want on CPU\. Only images of registry"):
        await spawner.run_options_from_form(sent)


async def test_an_own_image_that_cannot_be_used_is_still_there_to_be_mended(make: MakeSpawner, rich: str) -> None:
    spawner = joined(make(catalogue_file=rich, user_options={"profile": "a100"}), VISION)
    field = "profile-option-slice--image"
    fields = {"profile": "slice", field: "own--value", f"{field}--unlisted-choice": "registry.example.org/oww/a:1"}
    sent = (await form(spawner)).sent(**fields)

    async def refused() -> Form:
        with pytest.raises(Refusal, match="Only images of registry"):
            await spawner.run_options_from_form(sent)
        return await form(spawner)

    page = await asyncio.create_task(refused())

    assert page.selected["profile"] == "slice"
    assert page.selected[field] == "own--value"
    assert page.texts[f"{field}--unlisted-choice"] == "registry.example.org/oww/a:1"
    assert "The link" not in page.text
    assert (await form(spawner)).selected["profile"] == "a100"


async def test_a_form_with_what_is_not_offered_leaves_the_last_choice(make: MakeSpawner, rich: str) -> None:
    last = {"profile": "a100", "image": "plain"}
    spawner = make(catalogue_file=rich, user_options=last)
    handler: Any = SpawnHandler.__new__(SpawnHandler)
    handler.request = SimpleNamespace(method="GET", headers={})
    spawner.handler = handler

    async def refused() -> None:
        with pytest.raises(Refusal, match="There is no profile 'gone' here"):
            await spawner.run_options_from_form({"profile": ["gone"]})

    await asyncio.create_task(refused())

    assert spawner.user_options == last


async def test_a_link_names_an_own_image_by_the_text_alone(make: MakeSpawner, rich: str) -> None:
    spawner = joined(make(catalogue_file=rich), VISION)
    query = {"profile": ["cpu"], "profile-option-cpu--image--unlisted-choice": ["registry.example.org/lab/b:2"]}

    spawner.user_options = spawner.choice_of(query)
    await spawner.load_user_options()

    assert spawner.image == "registry.example.org/lab/b:2"


async def followed(spawner: GenkanSpawner, **query: str) -> str:
    """Follow a link as JupyterHub does: what the spawner raises is told on the form that is shown in its place."""

    async def shown() -> str:
        with pytest.raises(LinkFollowedError) as reason:
            await maybe_future(spawner.options_from_query({name: [value] for name, value in query.items()}))
        assert format_exception(reason.value) == ("", None)
        return str(await spawner.get_options_form())

    return await asyncio.create_task(shown())


async def test_a_link_preselects_and_starts_nothing(make: MakeSpawner, rich: str) -> None:
    spawner = joined(make(catalogue_file=rich, user_options={"profile": "cpu"}), VISION)

    page = Form(await followed(spawner, profile="slice", image="plain", priority="normal"))

    assert page.selected["profile"] == "slice"
    assert page.selected["profile-option-slice--image"] == "plain"
    assert page.selected["profile-option-slice--priority"] == "normal"
    assert "The link" not in page.text
    assert spawner.user_options == {"profile": "cpu"}
    assert (await form(spawner)).selected["profile"] == "cpu"


async def test_what_a_link_asks_for_in_vain_is_told_and_the_rest_is_preselected(make: MakeSpawner, rich: str) -> None:
    page = Form(await followed(make(catalogue_file=rich), profile="a100", image="<b>gone</b>"))

    assert page.selected["profile"] == "a100"
    assert "The link cannot be followed as it is: '<b>gone</b>' is not offered as image on" in page.text


async def test_a_user_who_is_offered_nothing_is_told_so_in_place_of_a_form(make: MakeSpawner, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(CATALOGUE.replace("default: true,", "").replace("{slug: ", "{groups: [vision], slug: "))
    file.write_text(file.read_text().replace(", default: true", ""))
    spawner = make(catalogue_file=str(file))

    for attempt in (spawner.get_options_form, spawner.load_user_options):
        with pytest.raises(Refusal) as refused:
            await attempt()
        assert (refused.value.status_code, refused.value.reason) == (403, Reason.ACCESS)
        assert format_exception(refused.value)[0] == (
            "Nothing is offered to you on this hub; its administrators can change that."
        )
    assert str(await joined(spawner, VISION).get_options_form())


@pytest.fixture
def broken(catalogue: str) -> str:
    """A catalogue that breaks while it is in use."""
    source = catalogue_source(catalogue)
    source.first()
    Path(catalogue).write_text(CATALOGUE.replace("cpu: 1,", "cpu: <b>,"))
    source._looked_at = float("-inf")
    return catalogue


@pytest.mark.parametrize(
    ("viewer", "owner", "told"), [(True, False, True), (False, True, False), (None, True, True), (None, False, False)]
)
async def test_only_administrators_see_that_the_catalogue_is_broken(
    make: MakeSpawner, broken: str, *, viewer: bool | None, owner: bool, told: bool
) -> None:
    spawner = make(catalogue_file=broken)
    user: Any = spawner.user
    user.admin = owner
    if viewer is not None:
        spawner.handler = SimpleNamespace(current_user=SimpleNamespace(admin=viewer))

    page = await form(spawner)

    assert ("The catalogue has an error." in page.text) is told
    assert ("catalogue.yaml:2:45: hardware[0].cpu: '<b>' is no quantity" in page.text) is told
    assert page.selected["profile"] == "card"


async def test_a_template_of_the_site_takes_the_place_of_ours(
    make: MakeSpawner, catalogue: str, tmp_path: Path
) -> None:
    folder = tmp_path / "templates"
    folder.mkdir()
    (folder / "form.html").write_text("<b>{{ profile_list[1].display_name }}</b>")
    text = make(catalogue_file=catalogue, profile_form_template="{{ profile_list | map(attribute='slug') | join }}")

    assert str(await text.get_options_form()) == "smallcard"
    found = make(catalogue_file=catalogue, additional_profile_form_template_paths=[str(folder)])
    assert str(await found.get_options_form()) == "<b>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;</b>"
