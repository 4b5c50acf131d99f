"""What a large catalogue takes of the hub: reading it, filtering and compiling it for somebody, and the form."""

import copy
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from kubespawner import KubeSpawner

from benchmarks.records import Finding, Outcome, Series, Unit
from benchmarks.workbench import Workbench
from genkan_profiles import Catalogue, compile_profiles, load_catalogue, offers_for, preselected
from genkan_profiles.gpu_products import gpu_products
from genkan_spawner.cards import Shown
from genkan_spawner.form import Form
from genkan_spawner.offering import Card

HARDWARE, IMAGES = 200, 50
GROUPS = 20
SAMPLES, QUICK_SAMPLES = 100, 3

METHOD = f"""\
A catalogue of {HARDWARE} hardware rows and {IMAGES} images: a third of both is kept for one of {GROUPS} groups each,
hardware has one of all known GPU products or none, and images have CUDA 11, 12, 13 or none, so that many pairs cannot
run. *Filter and compile* is the whole way from the catalogue to KubeSpawner's list for users with groups that nobody
had before; the hub does it once for each set of groups that makes a difference, until the file changes. *Copy*, *mark*
and *render*, KubeSpawner's own copy of the list, what is preselected and the page part, are done once for all users who
are offered the same; a form costs them again for the one card of an earlier choice. Stock
KubeSpawner renders the same list with its own template: once per user for a static list, each time for a callable."""

_CUDA = ("11.8", "12.6", "13.0", None)


async def measure(bench: Workbench) -> Outcome:
    """Measure each step many times, with other groups each time."""
    count = QUICK_SAMPLES if bench.quick else SAMPLES
    file = bench.folder / "catalogue.yaml"
    file.write_text(json.dumps(_document()))
    with bench.progress.step(f"A catalogue of {HARDWARE} hardware rows and {IMAGES} images"):
        reading = _timed(lambda _: load_catalogue(file), count=min(count, 5))
        catalogue = load_catalogue(file)
        compiling = _timed(lambda number: _profiles(catalogue, number), count=count)
        profiles = _profiles(catalogue, 0)
        marked = preselected(profiles, {})
        # Its __init__ looks for a cluster, of which rendering needs nothing.
        stock = KubeSpawner.__new__(KubeSpawner)
        series = (
            Series(label="read the file", unit=Unit.MILLISECONDS, samples=reading),
            Series(label="filter and compile, new groups", unit=Unit.MILLISECONDS, samples=compiling),
            Series(
                label="copy", unit=Unit.MILLISECONDS, samples=_timed(lambda _: copy.deepcopy(profiles), count=count)
            ),
            Series(
                label="mark", unit=Unit.MILLISECONDS, samples=_timed(lambda _: preselected(profiles, {}), count=count)
            ),
            Series(label="render", unit=Unit.MILLISECONDS, samples=_timed(lambda _: _rendered(marked), count=count)),
            Series(
                label="render, stock KubeSpawner",
                unit=Unit.MILLISECONDS,
                samples=_timed(lambda _: _rendered_by(stock, profiles), count=count),
            ),
        )
    pairs = sum(len(profile["profile_options"]["image"]["choices"]) for profile in profiles)
    findings = (
        Finding(label="pairs of hardware and image that the first user is offered", text=f"{pairs:,}"),
        Finding(
            label="filter and compile, median", text=f"{statistics.median(compiling):.1f} ms; it has to be below 50 ms"
        ),
    )
    return Outcome(title="A large catalogue", method=METHOD, series=series, findings=findings)


def _timed(work: Callable[[int], Any], *, count: int) -> tuple[float, ...]:
    samples = []
    for number in range(count):
        began = time.perf_counter()
        work(number)
        samples.append(1000 * (time.perf_counter() - began))
    return tuple(samples)


def _profiles(catalogue: Catalogue, number: int) -> list[dict[str, Any]]:
    groups = {f"group-{number % GROUPS}", f"group-{(7 * number + 3) % GROUPS}"}
    return compile_profiles(offers_for(catalogue, groups))


def _rendered(marked: list[dict[str, Any]]) -> str:
    cards = [Shown(Card.of(profile), keeps=False) for profile in marked]
    return str(Form(cards, template="", folders=[], options={}))


def _rendered_by(stock: KubeSpawner, profiles: list[dict[str, Any]]) -> str:
    # The callable's way, without which a list that changes cannot be offered.
    return str(stock._render_options_form(stock._get_initialized_profile_list(profiles)))  # noqa: SLF001  # what is measured


def _document() -> dict[str, Any]:
    products = sorted(gpu_products())
    return {
        "hardware": [
            {
                "slug": f"hardware-{number}",
                "display_name": f"Hardware {number}",
                "cpu": 4,
                "memory": "32Gi",
                **({"gpu": {"count": 1, "product": products[number % len(products)]}} if number % 4 else {}),
                **_kept(number),
            }
            for number in range(HARDWARE)
        ],
        "images": [
            {
                "slug": f"image-{number}",
                "display_name": f"Image {number}",
                "image": f"registry.example.org/images/image-{number}:1",
                **({"cuda": cuda} if (cuda := _CUDA[number % len(_CUDA)]) else {}),
                **(_kept(number) if number >= len(_CUDA) else {}),
            }
            for number in range(IMAGES)
        ],
        "priorities": [{"slug": "normal", "display_name": "Normal", "priority_class": "genkan-normal"}],
        "teams": [
            {"group": f"group-{number}", "display_name": f"Team {number}", "namespace": f"team-{number}"}
            for number in range(GROUPS)
        ],
    }


def _kept(number: int) -> dict[str, list[str]]:
    return {"groups": [f"group-{number % GROUPS}"]} if number % 3 == 0 else {}
