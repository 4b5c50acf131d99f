"""What the nodes' GPUs do, as NVIDIA's dcgm-exporter tells Prometheus; all nodes of a sandbox answer at one address.

https://github.com/NVIDIA/dcgm-exporter
"""

from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from genkan_sandbox.agent.devices import device_name
from genkan_sandbox.agent.machine import Machine
from genkan_sandbox.agent.records import DeviceOffer, GpuLoad, NodeRecord, PodRecord

_NVIDIA = "nvidia.com/"
_SLICE = "nvidia.com/mig-"
_SHARED = ".shared"
_MEBIBYTE = 2**20
_LABELS = (
    "gpu", "UUID", "device", "modelName", "Hostname", "GPU_I_PROFILE", "GPU_I_ID", "container", "namespace", "pod"
)  # fmt: skip


FAMILIES = (
    ("DCGM_FI_DEV_GPU_UTIL", "GPU utilization (in %)."),
    ("DCGM_FI_PROF_GR_ENGINE_ACTIVE", "Ratio of time the graphics engine is active."),
    ("DCGM_FI_DEV_FB_USED", "Framebuffer memory used (in MiB)."),
    ("DCGM_FI_DEV_FB_FREE", "Framebuffer memory free (in MiB)."),
)
"""Names and words of the metrics, as dcgm-exporter has them."""


class Holders(Protocol):
    """What the exporter asks of the agent."""

    @property
    def nodes(self) -> list[NodeRecord]:
        """All nodes of which anything can be heard."""
        ...

    def known(self, uid: str) -> PodRecord | None:
        """Return a pod by its uid."""
        ...


@dataclass(frozen=True, slots=True)
class _Seat:
    """Where a card, or a slice of one, is."""

    node: NodeRecord
    offer: DeviceOffer
    number: int
    card: str
    profile: str = ""
    slice: str = ""

    @property
    def labels(self) -> tuple[str, ...]:
        model = self.offer.product.partition("-MIG-")[0].removesuffix("-SHARED")
        number = str(self.number)
        return number, self.card, f"nvidia{number}", model, self.node.name, self.profile, self.slice


@dataclass(frozen=True, slots=True)
class _Card:
    """One card, or one slice of one, at one moment."""

    labels: tuple[str, ...]
    whole: bool
    memory: int
    """MiB."""
    load: GpuLoad

    @property
    def used(self) -> float:
        return min(self.load.memory / _MEBIBYTE, self.memory)


class Exporter(Collector):
    """Computes the series when they are asked for."""

    def __init__(self, holders: Holders, machine: Machine) -> None:
        self._holders = holders
        self._machine = machine

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Name nothing, so that registering reads nothing."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Return the metrics that dcgm-exporter has by default, as far as anybody here reads them."""
        utilisation, active, used, free = (GaugeMetricFamily(*family, labels=_LABELS) for family in FAMILIES)
        for card in self._cards():
            # Of slices the driver tells no utilisation.
            if card.whole:
                utilisation.add_metric(card.labels, card.load.utilisation)
            active.add_metric(card.labels, card.load.utilisation / 100)
            used.add_metric(card.labels, card.used)
            free.add_metric(card.labels, card.memory - card.used)
        return iter((utilisation, active, used, free))

    def _cards(self) -> Iterator[_Card]:
        for node in self._holders.nodes:
            number = 0
            for offer in node.offers:
                if not offer.resource.startswith(_NVIDIA):
                    continue
                if offer.resource.startswith(_SLICE):
                    yield from self._slices(node, offer, number)
                    number += 1
                else:
                    count = max(offer.count // offer.replicas, 1)
                    yield from (self._card(node, offer, index, number + index) for index in range(count))
                    number += count

    def _card(self, node: NodeRecord, offer: DeviceOffer, index: int, number: int) -> _Card:
        step = max(offer.count // offer.replicas, 1)
        units = [device_name(node.name, offer, unit) for unit in range(index, offer.count, step)]
        return self._told(_Seat(node, offer, number, units[0].partition("::")[0]), units)

    def _slices(self, node: NodeRecord, offer: DeviceOffer, number: int) -> Iterator[_Card]:
        """Yield the slices of one size, as if all of them were in one card."""
        card = device_name(node.name, DeviceOffer(f"{_NVIDIA}gpu", 1), -1 - number)
        profile = offer.resource.removeprefix(_SLICE)
        for index in range(offer.count):
            seat = _Seat(node, offer, number, card, profile=profile, slice=str(index + 1))
            yield self._told(seat, [device_name(node.name, offer, index)])

    def _told(self, seat: _Seat, units: list[str]) -> _Card:
        """Return a card whose units these are, with all that hold one of them."""
        ledger = self._machine.ledger(seat.node)
        uids = dict.fromkeys(uid for unit in units if (uid := ledger.holder(unit)) is not None)
        pods = [pod for uid in uids if (pod := self._holders.known(uid)) is not None]
        who = (pods[0].containers[-1].name, pods[0].namespace, pods[0].name) if pods else ("", "", "")
        load = GpuLoad(
            utilisation=min(sum(pod.load.utilisation for pod in pods), 100.0),
            memory=sum(pod.load.memory for pod in pods),
        )
        return _Card((*seat.labels, *who), whole=not seat.profile, memory=seat.offer.memory, load=load)


@asynccontextmanager
async def serving_measurements(holders: Holders, machine: Machine, *, port: int) -> AsyncIterator[None]:
    """Answer Prometheus at the nodes' address. Raises OSError where the port is taken."""
    registry = CollectorRegistry()
    registry.register(Exporter(holders, machine))

    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    application = web.Application()
    application.router.add_get("/metrics", answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
    await runner.setup()
    try:
        await web.TCPSite(runner, machine.endpoint.address, port).start()
        yield
    finally:
        await runner.cleanup()
