"""Amounts of resources as people read them, and as Kubernetes writes them."""

import re
from decimal import Decimal

from genkan_profiles.language.sentences import Sentence, say, say_number
from genkan_profiles.quantities import Notation, format_quantity
from genkan_spawner.cluster.records import THOUSANDTHS

_GIBIBYTE = 2**30
_MEBIBYTE = 2**20
_BYTES = ("memory", "ephemeral-storage", "hugepages-", "storage")
_MIG = re.compile(r"nvidia\.com/mig-(?P<slice>[0-9a-z.+]+)")
_QUOTA_PREFIXES = ("requests.", "limits.")


def quantity(resource: str, amount: int) -> str:
    """Write thousandths of a resource as a Kubernetes quantity."""
    notation = Notation.BINARY if is_bytes(resource) else Notation.DECIMAL
    return format_quantity(Decimal(amount) / THOUSANDTHS, notation=notation)


def is_bytes(resource: str) -> bool:
    """Return whether a resource is counted in bytes; a quota's prefix does not matter."""
    return bare(resource).startswith(_BYTES)


def is_device(resource: str) -> bool:
    """Return whether a resource is a kind of device, such as a GPU."""
    return "/" in resource and not resource.startswith("count/")


def is_whole_gpu(resource: str) -> bool:
    """Return whether a resource is GPUs, and not slices or shares of them."""
    return (
        is_device(resource) and "gpu" in resource and not resource.endswith(".shared") and not _MIG.fullmatch(resource)
    )


def bare(resource: str) -> str:
    """Return a resource's name without what quotas put before it."""
    for prefix in _QUOTA_PREFIXES:
        resource = resource.removeprefix(prefix)
    return resource


def amount_of(resource: str, amount: int) -> Sentence:
    """Return an amount with its unit: `3 GPUs`, `20 GB of memory`, `1.5 CPU cores`."""
    name = bare(resource)
    if is_bytes(name):
        return say("{size} of {what}", size=_size(amount), what=noun(name))
    number = Decimal(amount) / THOUSANDTHS
    shown = f"{number.normalize():f}" if number else "0"
    return say("{number} {things}", number=shown, things=noun(name, plural=number != 1))


def how_many(resource: str, amount: int) -> int:
    """Return whether words stand in the singular (1) or the plural (2); what is counted in bytes is one thing."""
    return 1 if is_bytes(resource) or amount == THOUSANDTHS else 2


def number_of(resource: str, amount: int) -> str:
    """Return an amount where its unit has been named already; bytes keep theirs."""
    if is_bytes(bare(resource)):
        return _size(amount)
    number = Decimal(amount) / THOUSANDTHS
    return f"{number.normalize():f}" if number else "0"


def noun(resource: str, *, plural: bool = True) -> Sentence:  # noqa: PLR0911  # one per kind
    """Return what people call a resource."""
    name, number = bare(resource), 2 if plural else 1
    if found := _MIG.fullmatch(name):
        return say_number("GPU slice {kind}", "GPU slices {kind}", number, kind=found["slice"])
    match name:
        case "cpu":
            return say_number("CPU core", "CPU cores", number)
        case "memory":
            return say("memory")
        case "ephemeral-storage":
            return say("local disk space")
        case "pods" | "count/pods":
            return say_number("server", "servers", number)
        case _ if name.startswith("hugepages-"):
            return say("huge memory pages")
        case _ if "/" not in name:
            return Sentence.quoted(name)
        case _ if name.endswith(".shared"):
            return say_number("shared GPU", "shared GPUs", number)
        case _ if "gpu" in name:
            return say_number("GPU", "GPUs", number)
        case _:
            return say_number("device {kind}", "devices {kind}", number, kind=name.rpartition("/")[2])


def _size(amount: int) -> str:
    count = Decimal(amount) / THOUSANDTHS
    for unit, size in (("GB", _GIBIBYTE), ("MB", _MEBIBYTE)):
        if abs(count) >= size or (unit == "MB" and count):
            shown = (count / size).quantize(Decimal("0.1"))
            return f"{shown.normalize():f} {unit}"
    return "0 GB"
