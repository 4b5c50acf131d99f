"""What KubeSpawner 7.1 gets wrong with profiles, one letter each, and that nothing of it reaches a user of ours."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jupyterhub.utils import maybe_future
from traitlets.config import Config

from genkan_spawner import GenkanSpawner, Refusal

from ..support.spawner import MakeSpawner, spawners
from .catalogues import RICH, VISION, joined
from .test_form import form

LISTED = {"display_name": "One", "kubespawner_override": {"image": "registry.example.org/one:1"}}


@pytest.fixture
async def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeSpawner]:
    async with spawners(tmp_path, monkeypatch) as (_, made):
        yield made


@pytest.fixture
def rich(tmp_path: Path) -> str:
    file = tmp_path / "rich.yaml"
    file.write_text(RICH)
    return str(file)


def of_a_site(**option: Any) -> list[dict[str, Any]]:
    """A profile list that a site wrote itself."""
    return [{"slug": "gpu", "display_name": "GPU", "profile_options": {"image": {"display_name": "Image", **option}}}]


async def resources(spawner: GenkanSpawner) -> dict[str, Any]:
    await spawner.load_user_options()
    pod = spawner.api.api_client.sanitize_for_serialization(await spawner.get_pod_manifest())
    found: dict[str, Any] = pod["spec"]["containers"][0]["resources"]
    return found


@pytest.mark.parametrize("image", ["NOPE", "", ["pytorch"], None, {"a": 1}, "registry.example.org/own/a:1"])
async def test_a_an_unknown_choice_is_a_sentence_and_no_key_error(make: MakeSpawner, rich: str, image: Any) -> None:
    spawner = make(catalogue_file=rich, user_options={"profile": "a100", "image": image})

    with pytest.raises(Refusal, match=r"(is not offered as|No) image .*on A100.* \(offered: pytorch, plain\)\."):
        await spawner.load_user_options()


async def test_b_a_form_with_a_vanished_choice_still_has_one_selected(make: MakeSpawner, rich: str) -> None:
    page = await form(make(catalogue_file=rich, user_options={"profile": "gone", "image": "gone"}))

    assert page.selected["profile"] == "cpu"
    assert page.selected["profile-option-cpu--image"] == "pytorch"


async def test_c_an_override_that_is_a_coroutine_is_awaited(make: MakeSpawner) -> None:
    async def limit(spawner: GenkanSpawner) -> float:
        await asyncio.sleep(0)
        return 2.0 if spawner.pod_name == "jupyter-alice" else 1.0

    overrides = {"cpu_limit": limit, "mem_limit": lambda _: "3G", "environment": {"A": "1"}}
    spawner = make(profile_list=[{"display_name": "One", "kubespawner_override": overrides}])

    found = await resources(spawner)

    assert found["limits"] == {"cpu": 2.0, "memory": 3 * 2**30}


@pytest.mark.parametrize(
    "image",
    [
        "registry.example.org/own/x@evil",
        "registry.example.org/own/x:1 --privileged",
        "registry.example.org/own/x:1\n",
        "registry.example.org/own/x:1\nregistry.example.org/own/y:1",
        "registry.example.org/other/x:1",
        "evil.example.org/registry.example.org/own/x:1",
        "registry.example.org/own/" + "x" * 600 + ":1",
        ["registry.example.org/own/x:1"],
        {"a": "registry.example.org/own/x:1"},
    ],
)
async def test_d_an_own_image_must_match_to_its_last_character(make: MakeSpawner, rich: str, image: Any) -> None:
    options = {"profile": "a100", "image--unlisted-choice": image}
    spawner = joined(make(catalogue_file=rich, user_options=options), VISION)

    with pytest.raises(Refusal, match=r"names no image|Only images of registry\.example\.org/own and /lab"):
        await spawner.load_user_options()


async def test_d_a_pattern_of_a_site_must_match_in_full_too(make: MakeSpawner) -> None:
    unlisted = {"enabled": True, "validation_regex": "nvcr/[a-z]+", "kubespawner_override": {"image": "{value}"}}
    profiles = of_a_site(choices={"one": LISTED}, unlisted_choice=unlisted)

    with pytest.raises(Refusal, match="'nvcr/x@evil' cannot be used here"):
        await make(
            profile_list=profiles, user_options={"profile": "gpu", "image--unlisted-choice": "nvcr/x@evil"}
        ).load_user_options()
    allowed = make(profile_list=profiles, user_options={"profile": "gpu", "image--unlisted-choice": "nvcr/x"})
    await allowed.load_user_options()
    assert allowed.image == "nvcr/x"


async def test_e_names_are_text_in_the_page(make: MakeSpawner) -> None:
    script = "<script>alert(1)</script>"
    page = await form(make(profile_list=[{"display_name": script, "slug": "a", "description": script}]))

    assert page.every("script") == []
    assert page.text.count(script) == 2


async def test_f_hardware_without_gpus_clears_a_limit_of_the_site(make: MakeSpawner, rich: str) -> None:
    config = Config()
    config.KubeSpawner.extra_resource_limits = {"nvidia.com/gpu": "1", "example.org/fpga": "1"}
    config.KubeSpawner.extra_resource_guarantees = {"nvidia.com/gpu": "1"}

    found = await resources(make(config, catalogue_file=rich, user_options={"profile": "cpu"}))

    assert set(found["limits"]) == {"cpu", "memory", "example.org/fpga"}
    assert set(found["requests"]) == {"cpu", "memory"}


@pytest.mark.parametrize("options", [{}, {"profile": "gpu"}])
async def test_g_where_nothing_is_offered_no_default_pod_starts(make: MakeSpawner, options: dict[str, str]) -> None:
    spawner = make(profile_list=lambda _: [], user_options=options)

    with pytest.raises(Refusal, match="Nothing is offered to you on this hub"):
        await spawner.load_user_options()


async def test_h_an_option_without_choices_is_a_sentence(make: MakeSpawner) -> None:
    spawner = make(profile_list=of_a_site(choices={}), user_options={"profile": "gpu"})

    await spawner.get_options_form()
    with pytest.raises(Refusal, match="There is no image on GPU that is offered to you; take another profile"):
        await spawner.load_user_options()


async def test_h_an_option_with_nothing_but_an_own_value_asks_for_it(make: MakeSpawner) -> None:
    unlisted = {"enabled": True, "display_name": "Own", "kubespawner_override": {"image": "{value}"}}
    spawner = make(profile_list=of_a_site(unlisted_choice=unlisted))

    page = await form(spawner)
    assert page.texts == {"profile-option-gpu--image--unlisted-choice": ""}
    assert "The link" not in page.text
    with pytest.raises(Refusal, match="Name the image that you want on GPU"):
        await spawner.load_user_options()
    spawner.user_options = {"profile": "gpu", "image--unlisted-choice": "a:1"}
    await spawner.load_user_options()
    assert spawner.image == "a:1"


async def test_i_after_a_refusal_the_form_is_that_of_the_server_it_was_sent_for(make: MakeSpawner, rich: str) -> None:
    default = make(catalogue_file=rich, user_options={"profile": "cpu", "image": "plain"})
    named = make(catalogue_file=rich, user_options={"profile": "a100", "image": "pytorch"})
    stranger = make(catalogue_file=rich)
    named.user = default.user

    async def refused() -> str | None:
        """As JupyterHub does for the form of a named server, in a task of the request."""
        await maybe_future(named.run_options_from_form({"profile": ["a100"]}))
        assert (await form(stranger)).selected["profile"] == "cpu"
        return (await form(default)).selected["profile"]

    assert await asyncio.create_task(refused()) == "a100"
    assert (await form(default)).selected["profile"] == "cpu"
