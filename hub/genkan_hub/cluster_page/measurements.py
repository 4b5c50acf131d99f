"""What dcgm-exporter has measured of each GPU, from the series that Prometheus keeps.

https://github.com/NVIDIA/dcgm-exporter
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias, TypeVar

from .prometheus import Labels, Sample

UTILISATION = "DCGM_FI_DEV_GPU_UTIL"
ENGINE_ACTIVE = "DCGM_FI_PROF_GR_ENGINE_ACTIVE"
"""The share of time in which anything was computed; the only one there is for slices of a card."""

MEMORY_USED, MEMORY_FREE = "DCGM_FI_DEV_FB_USED", "DCGM_FI_DEV_FB_FREE"

_NODE_LABELS = ("Hostname", "node", "kubernetes_node", "instance")
_MEBIBYTE = 2**20
_FULL = 100.0
_MOST_MEBIBYTES = 2**30

PodKey: TypeAlias = tuple[str, str]
"""Namespace and name of a pod."""

DeviceKey: TypeAlias = tuple[str, str]
"""The UUID of a card and, for a slice of it, the number of the slice."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Measurement:
    """One card, or one slice of one; what was not measured, or makes no sense, is None."""

    device: str
    """Its UUID; for a slice that of its card."""
    slice: str = ""
    """The number of the slice; empty for a whole card."""
    index: str = ""
    """The card's number on its machine, as nvidia-smi counts."""
    model: str = ""
    nodes: tuple[str, ...] = ()
    """The names by which the series tell of its machine, the likeliest first."""
    pod: PodKey | None = None
    """Who holds it, as the exporter says; it may be the exporter's own pod."""
    utilisation: float | None = None
    """Percent of the time in which it computed."""
    memory_used: int | None = None
    memory_size: int | None = None
    """Bytes."""
    at: float | None = None
    """When it was measured, in seconds since 1970."""

    @property
    def key(self) -> DeviceKey:
        """What tells it from all others."""
        return self.device, self.slice


@dataclass(frozen=True, slots=True)
class Idling:
    """Since when cards have not computed, all in seconds since 1970."""

    last_busy: Mapping[DeviceKey, float] = field(default_factory=dict)
    """When each was last seen computing."""
    first_seen: Mapping[DeviceKey, float] = field(default_factory=dict)
    """From when on each was measured at all; nothing is known of the time before."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """All cards at one moment."""

    by_device: Mapping[str, tuple[Measurement, ...]] = field(default_factory=lambda: MappingProxyType({}))
    by_node: Mapping[str, tuple[Measurement, ...]] = field(default_factory=lambda: MappingProxyType({}))
    by_pod: Mapping[PodKey, tuple[Measurement, ...]] = field(default_factory=lambda: MappingProxyType({}))
    idling: Idling = field(default_factory=Idling)

    @classmethod
    def of(cls, found: Iterable[Measurement], idling: Idling | None = None) -> "Measurements":
        """Sort measurements by what they are looked for."""
        rows = list(found)
        return cls(
            by_device=_grouped((row.device, row) for row in rows),
            by_node=_grouped((node, row) for row in rows for node in row.nodes),
            by_pod=_grouped((row.pod, row) for row in rows if row.pod is not None),
            idling=idling or Idling(),
        )

    def card(self, device: str) -> Measurement | None:
        """Return what was measured of a device by the name that the kubelet has for it; shares of a card are that card.

        What was measured of a slice is found by its pod alone: the kubelet and the exporter have different names.
        """
        found = self.by_device.get(device.partition("::")[0], ())
        return next((row for row in found if not row.slice), None)

    def idle_since(self, row: Measurement, *, held_since: float, least: float) -> float | None:
        """Return since when a card has computed nothing for who holds it; None while it computes or nobody knows.

        `least` is the utilisation, in percent, up to which a card counts as idle.
        """
        if row.utilisation is None or row.utilisation > least:
            return None
        known = [
            moment
            for moment in (self.idling.last_busy.get(row.key), self.idling.first_seen.get(row.key))
            if moment is not None
        ]
        # Without a past there is only the present: it is idle, for no time that is known.
        return max([*known, held_since]) if known else row.at


def measured(samples: Iterable[Sample], *, at: Mapping[DeviceKey, float]) -> list[Measurement]:
    """Put the series of each card together; `at` is when each was measured."""
    values: dict[DeviceKey, dict[str, float]] = defaultdict(dict)
    labels: dict[DeviceKey, Labels] = {}
    for sample in samples:
        if (key := device_key(sample.labels)) is not None:
            values[key][sample.labels.get("__name__", "")] = sample.value
            # All series of a card have the same labels, but for those of whoever held it minutes ago.
            labels[key] = sample.labels
    return [_measurement(key, labels[key], found, at=at.get(key)) for key, found in values.items()]


def device_key(labels: Labels) -> DeviceKey | None:
    """Return what a series is about; None for one that is about no card."""
    device = labels.get("UUID") or labels.get("uuid")
    return (device, labels.get("GPU_I_ID", "")) if device else None


def _measurement(key: DeviceKey, labels: Labels, values: Mapping[str, float], *, at: float | None) -> Measurement:
    used, free = _bytes(values.get(MEMORY_USED)), _bytes(values.get(MEMORY_FREE))
    return Measurement(
        device=key[0],
        slice=key[1],
        index=labels.get("gpu", ""),
        model=labels.get("modelName", ""),
        nodes=_nodes(labels),
        pod=_pod(labels),
        utilisation=_utilisation(values),
        memory_used=used,
        memory_size=used + free if used is not None and free is not None else None,
        at=at,
    )


def _nodes(labels: Labels) -> tuple[str, ...]:
    named = [labels.get(label, "") for label in _NODE_LABELS]
    return tuple(dict.fromkeys(name for text in named for name in (text, text.partition(":")[0]) if name))


def _pod(labels: Labels) -> PodKey | None:
    """Return the pod that holds a card: Prometheus renames what the exporter says where its target has such labels."""
    for prefix in ("exported_", ""):
        namespace, pod = labels.get(f"{prefix}namespace", ""), labels.get(f"{prefix}pod", "")
        if namespace and pod:
            return namespace, pod
    return None


def _utilisation(values: Mapping[str, float]) -> float | None:
    found = values.get(UTILISATION)
    if found is None and (active := values.get(ENGINE_ACTIVE)) is not None:
        found = active * _FULL
    return found if found is not None and 0 <= found <= _FULL else None


def _bytes(mebibytes: float | None) -> int | None:
    return round(mebibytes * _MEBIBYTE) if mebibytes is not None and 0 <= mebibytes <= _MOST_MEBIBYTES else None


def _grouped(pairs: Iterable[tuple[T, Measurement]]) -> Mapping[T, tuple[Measurement, ...]]:
    groups: dict[T, list[Measurement]] = defaultdict(list)
    for key, row in pairs:
        groups[key].append(row)
    return MappingProxyType({key: tuple(rows) for key, rows in groups.items()})
