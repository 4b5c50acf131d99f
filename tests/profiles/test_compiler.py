from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genkan_profiles import Catalogue, Gpu, Hardware, Image, ProfileList, load_catalogue, offers_for
from genkan_profiles.compiler import compile_profiles, summary
from genkan_profiles.overrides import THREAD_VARIABLES
from genkan_profiles.quantities import format_quantity

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
            display_name=draw(st.text(min_size=1, max_size=9).filter(lambda text: bool(text.strip()))),
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


def test_memory_is_kept_free_in_full_and_cpu_may_burst() -> None:
    found = overrides(hardware(cpu="500m", cpu_limit="2", memory="1536Mi"))

    assert (found["cpu_guarantee"], found["cpu_limit"]) == (0.5, 2.0)
    assert (found["mem_guarantee"], found["mem_limit"]) == (1536 * 2**20, 1536 * 2**20)


@pytest.mark.parametrize(
    ("fields", "threads"),
    [({"cpu": "4"}, "4"), ({"cpu": "2500m"}, "2"), ({"cpu": "500m"}, "1"), ({"cpu": "1", "cpu_limit": "8"}, "8")],
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
