"""What the hubs under test are offered and told, and how their pages are read."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from benchmarks.contest.ages import is_offered
from benchmarks.contest.contestants import Contestant
from benchmarks.contest.crowds import GPU_PODS_PER_NODE, others_pods, own_pod, passing_pod
from benchmarks.contest.offer import BEACON, GPU, IMAGES, ONE_GPU, SMALL, catalogue, profile_list, write_catalogue
from benchmarks.contest.settings import SETTINGS, HubSettings, configure_hub
from benchmarks.contest.wording import failure_on
from benchmarks.exceptions import BenchmarkError
from traitlets.config import Config

from genkan_hub.theme import TEMPLATES
from genkan_profiles import load_catalogue
from genkan_profiles.quantities import parse_quantity

PROFILES = 30
NODES = 10


def test_both_spawners_are_offered_the_same(tmp_path: Path) -> None:
    loaded = load_catalogue(write_catalogue(tmp_path / "catalogue.yaml"))
    stock = {profile["slug"]: profile for profile in profile_list()}

    assert len(stock) == PROFILES
    assert [row.slug for row in loaded.hardware] == list(stock)
    assert [row.slug for row in loaded.images] == list(IMAGES)
    for row in loaded.hardware:
        override = stock[row.slug]["kubespawner_override"]
        assert parse_quantity(row.cpu) == override["cpu_limit"]
        assert row.memory == f"{override['mem_limit']}i"
        assert (row.gpu.count if row.gpu else 0) == int(override.get("extra_resource_limits", {}).get(GPU, 0))


def test_what_benchmarks_start_is_on_offer() -> None:
    assert {SMALL, ONE_GPU, BEACON} <= {row["slug"] for row in catalogue()["hardware"]}


def gpus(pod: dict[str, Any]) -> int:
    return int(pod["spec"]["containers"][0]["resources"]["requests"].get(GPU, 0))


def test_other_people_leave_a_part_of_the_gpus() -> None:
    make = others_pods(nodes=NODES)

    assert sum(gpus(make(f"server-{number:05}")) for number in range(200)) == GPU_PODS_PER_NODE * NODES


def test_pods_of_others_are_as_large_as_usual_and_not_taken_for_a_hubs_own() -> None:
    assert len(json.dumps(passing_pod("pod-1"))) > 3000
    assert passing_pod("pod-1")["metadata"]["labels"].get("component") is None
    assert own_pod("pod-1")["metadata"]["labels"]["component"] == "singleuser-server"


def settings(contestant: Contestant, folder: Path, *, start_seconds: float = 0) -> HubSettings:
    return HubSettings(
        contestant=contestant,
        public_url="http://127.0.0.1:1/",
        hub_url="http://127.0.0.1:2",
        proxy_api_url="http://127.0.0.1:3",
        folder=folder,
        namespace="place",
        password="secret",
        catalogue_file=write_catalogue(folder / "catalogue.yaml"),
        null_address="127.9.9.9",
        start_seconds=start_seconds,
        start_timeout=30,
    )


def configured(told: HubSettings) -> Config:
    config = Config()
    configure_hub(config, told)
    return config


def test_a_hub_reads_what_the_benchmark_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told = settings(Contestant.GENKAN, tmp_path)
    file = tmp_path / "settings.json"
    file.write_text(told.model_dump_json())
    monkeypatch.setenv(SETTINGS, str(file))

    assert HubSettings.from_environment() == told


def test_hubs_differ_in_their_spawner_and_the_offer(tmp_path: Path) -> None:
    classes = {name: configured(settings(name, tmp_path)).JupyterHub.spawner_class for name in Contestant}

    assert len(set(classes.values())) == len(Contestant) - 1
    assert classes[Contestant.KUBESPAWNER] == classes[Contestant.CALLABLE]
    assert isinstance(configured(settings(Contestant.KUBESPAWNER, tmp_path)).KubeSpawner.profile_list, list)
    assert callable(configured(settings(Contestant.CALLABLE, tmp_path)).KubeSpawner.profile_list)
    for name in Contestant:
        config = configured(settings(name, tmp_path))
        assert config.JupyterHub.tornado_settings == {"slow_spawn_timeout": 0}
        assert config.GenkanSpawner.consecutive_failure_limit == config.KubeSpawner.consecutive_failure_limit


def test_slow_pods_are_slow_for_everybody(tmp_path: Path) -> None:
    config = configured(settings(Contestant.GENKAN, tmp_path, start_seconds=10))

    assert config.KubeSpawner.extra_annotations == {"sandbox.genkan.dev/start-seconds": "10.0"}
    assert config.NullSpawner.start_seconds == 10


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ('<div class="genkan-refusal alert" role="alert" id="genkan-refusal">\n No <b>room</b>.\n</div>', "No room ."),
        ('<div class="alert genkan-refusal" role="alert">No room.</div><p>More.</p>', "No room."),
        ('<p class="spawn-error-msg alert alert-danger">Error: No <b>room</b>.</p>', "Error: No room ."),
        ("<p>has failed.\n</p><p>2 &lt; 3</p><p>\nWould you like to retry starting it?", "2 < 3"),
        ("<p>has failed.\n  Would you like to retry starting it?", ""),
        ("<p>All is well.</p>", ""),
    ],
    ids=["on our form", "on our page", "on the form", "on the waiting page", "without a reason", "no failure"],
)
def test_the_reason_is_read_from_pages(page: str, reason: str) -> None:
    assert failure_on(page) == reason


@pytest.mark.parametrize("name", ["spawn.html", "not_running.html"])
def test_pages_of_ours_that_tell_a_reason_mark_it(name: str) -> None:
    assert re.search(r'<div class="[^"]*\bgenkan-refusal\b', (TEMPLATES / name).read_text())


def test_a_form_offers_the_card_unless_its_choice_is_disabled() -> None:
    choice = f'<input type="radio"\n value="{BEACON}" required>'

    assert is_offered(choice)
    assert not is_offered(re.sub("required", "required disabled", choice))
    with pytest.raises(BenchmarkError, match="lacks the profile"):
        is_offered("<form></form>")
