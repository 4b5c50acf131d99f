from datetime import UTC, datetime

import pytest

from genkan_hub.cluster_page import wording
from genkan_hub.cluster_page.holders import State


@pytest.mark.parametrize(
    ("seconds", "long", "short"),
    [
        (-5, "0 s", "0 s"),
        (0, "0 s", "0 s"),
        (59.9, "59 s", "59 s"),
        (60, "1 min", "1 min"),
        (3599, "59 min", "59 min"),
        (3600, "1 h", "1 h"),
        (7800, "2 h 10 min", "2 h"),
        (86_399, "23 h 59 min", "23 h"),
        (86_400, "1 d", "1 d"),
        (3 * 86_400 + 4 * 3600 + 59, "3 d 4 h", "3 d"),
        (400 * 86_400, "400 d", "400 d"),
    ],
)
def test_time_spans(seconds: float, long: str, short: str) -> None:
    assert (wording.duration(seconds), wording.short(seconds)) == (long, short)


@pytest.mark.parametrize(("seconds", "said"), [(None, "never"), (0, "just now"), (1.9, "just now"), (90, "1 min ago")])
def test_how_long_ago(seconds: float | None, said: str) -> None:
    assert wording.ago(seconds) == said


def test_exact_times_are_in_utc() -> None:
    assert wording.exact(datetime(2026, 11, 1, 9, 5, 7, tzinfo=UTC)) == "2026-11-01 09:05:07 UTC"


@pytest.mark.parametrize(("value", "said"), [(None, "not measured"), (0.0, "0 %"), (90.6, "91 %"), (100.0, "100 %")])
def test_utilisation(value: float | None, said: str) -> None:
    assert wording.percent(value) == said


GIB = 2**30


@pytest.mark.parametrize(
    ("used", "size", "said"),
    [
        (None, 1, "not measured"),
        (0, 80 * GIB, "0 of 80 GB"),
        (GIB // 2, 15 * GIB, "0.5 of 15 GB"),
        (12 * GIB + 1, 80 * GIB, "12 of 80 GB"),
    ],
)
def test_memory(used: int | None, size: int, said: str) -> None:
    assert wording.memory(used, size) == said


@pytest.mark.parametrize(
    ("product", "resource", "said"),
    [
        ("NVIDIA-A100-SXM4-80GB", "nvidia.com/gpu", "A100 SXM4 80GB"),
        ("Tesla-T4", "nvidia.com/gpu.shared", "T4"),
        ("NVIDIA-GeForce-RTX-2080-Ti", "nvidia.com/gpu", "RTX 2080 Ti"),
        ("", "nvidia.com/mig-1g.10gb", "GPU slices 1g.10gb"),
        ("", "amd.com/gpu", "GPUs"),
    ],
)
def test_cards(product: str, resource: str, said: str) -> None:
    assert wording.card(product, resource) == said


@pytest.mark.parametrize(
    ("product", "resource", "said"),
    [
        ("NVIDIA-A100-SXM4-80GB", "nvidia.com/gpu", ""),
        ("NVIDIA-A100-SXM4-80GB-MIG-1g.10gb", "nvidia.com/mig-1g.10gb", ""),
        ("NVIDIA-A100-SXM4-80GB", "nvidia.com/mig-1g.10gb", "GPU slices 1g.10gb"),
        ("Tesla-T4", "nvidia.com/gpu.shared", "shared GPUs"),
    ],
)
def test_parts_of_cards_are_called_so(product: str, resource: str, said: str) -> None:
    assert wording.part_of_card(product, resource) == said


def test_every_state_has_a_name() -> None:
    assert len({wording.state(state) for state in State}) == len(State)
    assert len({wording.gpus(count) for count in (1, 2, 3)}) == 3
