import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_profiles import (
    Catalogue,
    Gpu,
    Hardware,
    HardwareOffer,
    Image,
    OwnImage,
    ProfileList,
    Volume,
    load_catalogue,
    offers_for,
)
from genkan_profiles.compiler import compile_profiles, summary
from genkan_profiles.overrides import THREAD_VARIABLES
from genkan_profiles.quantities import format_quantity
from genkan_profiles.volumes import Scratch

from ..spawner.catalogues import RICH
from ..support.catalogues import words
from ..support.golden import Golden

IMAGES = (Image(slug="scipy", display_name="SciPy", image="registry.example.org/scipy:1"),)

SLUGS = st.from_regex(r"[a-z]([a-z0-9]{0,8})", fullmatch=True)
GPUS = st.builds(
    Gpu,
    resource=st.sampled_from(["nvidia.com/gpu", "nvidia.com/mig-1g.10gb", "amd.com/gpu"]),
    count=st.integers(1, 8),
)


@st.composite
def hardware_rows(draw: st.DrawFn) -> tuple[Hardware, ...]:
    slugs = draw(st.lists(SLUGS, min_size=1, max_size=6, unique=True))
    default = draw(st.sampled_from([None, *slugs]))
    return tuple(
        Hardware(
            slug=slug,
            display_name=draw(words(most=9)),
            default=slug == default,
            cpu=f"{draw(st.integers(1, 64_000))}m",
            memory=format_quantity(draw(st.integers(2**24, 2**40))),
            gpu=draw(st.none() | GPUS),
        )
        for slug in slugs
    )


def hardware(**fields: Any) -> Hardware:
    return Hardware(**{"slug": "a", "display_name": "A", "cpu": "2", "memory": "8Gi", **fields})


def compiled(catalogue: Catalogue, *groups: str) -> ProfileList:
    return compile_profiles(offers_for(catalogue, groups))


def overrides(*rows: Hardware) -> dict[str, Any]:
    first: dict[str, Any] = compiled(Catalogue(hardware=rows, images=IMAGES))[0]["kubespawner_override"]
    return first


def test_the_built_in_catalogue_becomes_this_list(golden: Golden) -> None:
    golden.check("builtin_profiles", compiled(load_catalogue()))


def test_all_that_a_catalogue_can_hold_becomes_this_list(golden: Golden, tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(RICH)

    golden.check("rich_profiles", compiled(load_catalogue(file), "vision", "Lab 7"))


def test_who_is_offered_nothing_has_no_profiles(tmp_path: Path) -> None:
    rows = (hardware(groups=("vision",)),)

    assert compiled(Catalogue(hardware=rows, images=IMAGES), "speech") == []


def test_where_the_default_is_left_out_the_first_takes_its_place(tmp_path: Path) -> None:
    file = tmp_path / "catalogue.yaml"
    file.write_text(RICH)
    profiles = {profile["slug"]: profile for profile in compiled(load_catalogue(file))}

    def default_image(slug: str) -> list[str]:
        choices = profiles[slug]["profile_options"]["image"]["choices"]
        return [name for name, choice in choices.items() if choice["default"]]

    assert default_image("a100") == ["pytorch"]
    assert default_image("old") == ["plain"]


def test_hardware_without_an_image_has_the_users_own() -> None:
    own = OwnImage(pattern="a.+|b", message="Begin with a.")
    gpu_only = Image(slug="new", display_name="New", image="a:1", groups=("vision",))
    catalogue = Catalogue(hardware=(hardware(groups=("vision",)),), images=(gpu_only,), own_image=own)

    (profile,) = compile_profiles(
        dataclasses.replace(offers_for(catalogue, ["vision"]), hardware=(HardwareOffer(hardware(), ()),))
    )

    image = profile["profile_options"]["image"]
    assert image["choices"] == {}
    assert image["unlisted_choice"]["pattern"] == "a.+|b"


def test_equal_options_are_one_object() -> None:
    first, second = compiled(Catalogue(hardware=(hardware(), hardware(slug="b")), images=IMAGES))

    assert first["profile_options"]["image"] is second["profile_options"]["image"]


def test_memory_is_kept_free_in_full_and_cpu_may_burst() -> None:
    found = overrides(hardware(cpu="500m", cpu_limit="2", memory="1536Mi"))

    assert (found["cpu_guarantee"], found["cpu_limit"]) == (0.5, 2.0)
    assert (found["mem_guarantee"], found["mem_limit"]) == (1536 * 2**20, 1536 * 2**20)


@pytest.mark.parametrize(
    ("fields", "threads"),
    [
        ({"cpu": "4"}, "4"),
        ({"cpu": "2500m"}, "2"),
        ({"cpu": "500m"}, "1"),
        ({"cpu": "1", "cpu_limit": "8"}, "8"),
        ({"cpu": "3999m"}, "3"),
    ],
)
def test_threads_follow_the_limit(fields: dict[str, str], threads: str) -> None:
    environment = overrides(hardware(**fields))["environment"]

    assert {environment[name] for name in THREAD_VARIABLES} == {threads}


def test_hardware_without_gpus_removes_every_kind_and_hides_the_cards() -> None:
    found = overrides(
        hardware(),
        hardware(slug="b", gpu=Gpu(count=1)),
        hardware(slug="c", gpu=Gpu(resource="amd.com/gpu", count=1)),
    )

    assert found["extra_resource_limits"] == {"amd.com/gpu": None, "nvidia.com/gpu": None}
    assert found["extra_resource_guarantees"] == found["extra_resource_limits"]
    assert found["environment"]["NVIDIA_VISIBLE_DEVICES"] == "void"
    assert (found["volumes"], found["volume_mounts"]) == ({}, {})


def test_hardware_with_gpus_asks_for_them_and_leaves_the_cards_visible() -> None:
    found = overrides(
        hardware(gpu=Gpu(resource="nvidia.com/mig-1g.10gb", count=2)), hardware(slug="b", gpu=Gpu(count=1))
    )

    assert found["extra_resource_limits"] == {"nvidia.com/gpu": None, "nvidia.com/mig-1g.10gb": "2"}
    assert found["environment"]["NVIDIA_VISIBLE_DEVICES"] is None
    assert found["volumes"]["shared-memory"]["emptyDir"] == {"medium": "Memory", "sizeLimit": "4Gi"}
    assert [mount["name"] for mount in found["volume_mounts"].values()] == ["shared-memory"]


def test_shared_memory_can_be_given() -> None:
    found = overrides(hardware(shared_memory="1Gi"))

    assert found["volumes"]["shared-memory"]["emptyDir"]["sizeLimit"] == "1Gi"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"cpu": "1", "memory": "2Gi"}, "1 CPU, 2 GB memory"),
        ({"cpu": "500m", "memory": "1536Mi"}, "0.5 CPUs, 1.5 GB memory"),
        ({"cpu": "10", "memory": "100Gi", "gpu": Gpu(count=1)}, "1 GPU, 10 CPUs, 100 GB memory"),
        ({"cpu": "100", "memory": "1Ti", "gpu": Gpu(count=8)}, "8 GPUs, 100 CPUs, 1024 GB memory"),
        ({"gpu": Gpu(count=2, resource="nvidia.com/mig-1g.10gb")}, "2 GPU slices, 2 CPUs, 8 GB memory"),
        ({"gpu": Gpu(count=1, resource="nvidia.com/gpu.shared")}, "1 shared GPU, 2 CPUs, 8 GB memory"),
    ],
)
def test_hardware_is_summed_up_in_words(fields: dict[str, Any], words: str) -> None:
    assert summary(hardware(**fields)) == words


@given(hardware_rows())
def test_any_catalogue_has_one_default_and_rows_that_undo_each_other(rows: tuple[Hardware, ...]) -> None:
    profiles = compiled(Catalogue(hardware=rows, images=IMAGES))

    assert [profile["slug"] for profile in profiles] == [row.slug for row in rows]
    assert sum(profile["default"] for profile in profiles) == 1
    for key in ("environment", "extra_resource_limits", "extra_resource_guarantees"):
        assert len({frozenset(profile["kubespawner_override"][key]) for profile in profiles}) == 1
    for profile in profiles:
        choices = profile["profile_options"]["image"]["choices"].values()
        assert sum(choice["default"] for choice in choices) == 1


def test_caches_point_into_the_scratch_where_it_is_mounted() -> None:
    scratch = Volume(
        slug="scratch",
        display_name="Scratch",
        mount_path="/scratch",
        scratch=Scratch(size="1Gi", caches=True),
        hardware=("a",),
    )
    first, second = (
        profile["kubespawner_override"]["environment"]
        for profile in compiled(Catalogue(hardware=(hardware(), hardware(slug="b")), images=IMAGES, volumes=(scratch,)))
    )

    assert {first[name] for name in ("HF_HOME", "PIP_CACHE_DIR", "TRITON_CACHE_DIR")} == {
        "/scratch/.cache/huggingface",
        "/scratch/.cache/pip",
        "/scratch/.cache/triton",
    }
    assert "HF_HOME" not in second


def test_servers_are_in_the_groups_of_the_shares_that_they_mount() -> None:
    shares = tuple(
        Volume(slug=f"s{gid}", display_name="Share", mount_path=f"/s{gid}", claim="share", gid=gid, hardware=on)
        for gid, on in ((3002, ()), (3001, ()), (3003, ("b",)))
    )
    rows = (hardware(), hardware(slug="b"))
    first, second = (
        profile["kubespawner_override"]["supplemental_gids"]
        for profile in compiled(Catalogue(hardware=rows, images=IMAGES, volumes=shares))
    )

    assert (first, second) == ([3001, 3002], [3001, 3002, 3003])
