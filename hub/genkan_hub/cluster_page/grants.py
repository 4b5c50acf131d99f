"""Grants: the GPUs that one pod holds, on which machine, which of them, and since when."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from genkan_spawner.checks.wording import is_device
from genkan_spawner.cluster.records import THOUSANDTHS, PodRecord

from .pod_facts import PodFacts

_GPU = re.compile(r"gpu|/mig-|gaudi|/neuron|/tpu")


@dataclass(frozen=True, slots=True)
class Grant:
    """The GPUs of one kind that a pod holds."""

    resource: str
    node: str
    count: int
    since: datetime
    devices: tuple[str, ...] = ()
    """Their names; fewer than `count`, or none, where the kubelet does not tell."""


def is_gpu(resource: str, *, named: Iterable[str] = ()) -> bool:
    """Return whether a resource is a kind of GPU, whole or in part; `named` are those that the catalogue calls so."""
    return is_device(resource) and (resource in named or _GPU.search(resource) is not None)


def grants_of(pod: PodRecord, facts: PodFacts | None, *, named: Iterable[str] = ()) -> tuple[Grant, ...]:
    """Return what a pod holds; nothing while it waits for a machine."""
    if pod.node is None:
        return ()
    return tuple(_grants(pod, facts, pod.node, frozenset(named)))


def gpus_asked(pod: PodRecord, *, named: Iterable[str] = ()) -> int:
    """Return how many GPUs of any kind a pod asks for."""
    names = frozenset(named)
    return sum(_count(amount) for resource, amount in pod.requests.items() if is_gpu(resource, named=names))


def _grants(pod: PodRecord, facts: PodFacts | None, node: str, named: frozenset[str]) -> Iterator[Grant]:
    since = facts.started if facts is not None and facts.started is not None else pod.created
    for resource, amount in pod.requests.items():
        count = _count(amount)
        if count and is_gpu(resource, named=named):
            devices = facts.devices.get(resource, ()) if facts is not None else ()
            yield Grant(resource, node, count, since, devices)


def _count(amount: int) -> int:
    return amount // THOUSANDTHS
