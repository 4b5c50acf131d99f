"""A site: what a cluster consists of, who has quota in it and what runs there already."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from genkan_profiles.documents import Row
from genkan_profiles.violations import Violation, raise_violations

from .catalogues import ShippedCatalogue
from .exports import Export
from .hardware import Pool
from .people import User
from .policies import BUILT_IN_PRIORITY_CLASSES, LimitRange, Namespace, PriorityClass, Quota
from .tenants import Tenant

MAX_NODES = 5000


class Scheduler(Row):
    """How the scheduler chooses among the nodes on which a pod fits."""

    packing: bool = True
    """Fill nodes up one after the other, so that whole machines stay free for large pods."""
    gpu_weight: int = Field(default=5, ge=1, le=100)
    """How much devices weigh against CPU and memory (1 each) when a pod that asks for devices is packed."""


class Site(Row):
    """A cluster for the sandbox, as a site file describes it."""

    description: Annotated[str, AfterValidator(str.strip)] = Field(min_length=1)
    """One sentence for the list of sites."""
    hub_namespace: str = "genkan"
    """Where the servers of users run who are in no team of the catalogue; one of `namespaces`."""
    catalogue: ShippedCatalogue = ShippedCatalogue.BUILT_IN
    """What the hub offers; the site must have the namespaces of its teams and the classes of its priorities."""
    scheduler: Scheduler = Scheduler()
    pools: tuple[Pool, ...] = ()
    namespaces: tuple[Namespace, ...] = Field(min_length=1)
    priority_classes: tuple[PriorityClass, ...] = ()
    quotas: tuple[Quota, ...] = ()
    limit_ranges: tuple[LimitRange, ...] = ()
    exports: tuple[Export, ...] = ()
    tenants: tuple[Tenant, ...] = ()
    users: tuple[User, ...] = ()

    @property
    def node_count(self) -> int:
        """How many nodes there are in all pools."""
        return sum(pool.count for pool in self.pools)

    @property
    def server_namespaces(self) -> tuple[str, ...]:
        """All namespaces in which the hub starts servers, its own first."""
        return tuple(dict.fromkeys((self.hub_namespace, *self.catalogue.namespaces)))

    def export_namespaces(self, export: Export) -> tuple[str, ...]:
        """Return the namespaces with a claim for an export."""
        return export.namespaces or self.server_namespaces

    @property
    def offered(self) -> dict[str, int]:
        """What all nodes together offer of each device resource."""
        total: dict[str, int] = {}
        for pool in self.pools:
            for resource, count in pool.offered.items():
                total[resource] = total.get(resource, 0) + pool.count * count
        return total

    @model_validator(mode="after")
    def _check(self) -> Self:
        unknown = [*self._unknown_names(), *self._missing_for_catalogue()]
        raise_violations("Site", [*self._duplicates(), *unknown, *self._impossible()])
        return self

    def _duplicates(self) -> Iterator[Violation]:
        yield from _repeated("pools", self.pools, lambda row: (row.name,))
        yield from _repeated("namespaces", self.namespaces, lambda row: (row.name,))
        yield from _repeated("priority_classes", self.priority_classes, lambda row: (row.name,))
        yield from _repeated("quotas", self.quotas, lambda row: (row.namespace, row.name))
        yield from _repeated("limit_ranges", self.limit_ranges, lambda row: (row.namespace, row.name))
        yield from _repeated("exports", self.exports, lambda row: (row.name,))
        yield from _repeated("tenants", self.tenants, lambda row: (row.namespace, row.name))
        yield from _repeated("users", self.users, lambda row: (row.name,))

    def _unknown_names(self) -> Iterator[Violation]:
        yield from self._unknown_namespaces()
        classes = (*(row.name for row in self.priority_classes), *BUILT_IN_PRIORITY_CLASSES)
        for index, quota in enumerate(self.quotas):
            for place, name in enumerate(quota.priority_classes):
                if name not in classes:
                    sentence = f"There is no priority class {name!r} in this site."
                    yield Violation(("quotas", index, "priority_classes", place), sentence, classes)
        for index, tenant in enumerate(self.tenants):
            if tenant.priority_class is not None and tenant.priority_class not in classes:
                sentence = f"There is no priority class {tenant.priority_class!r} in this site."
                yield Violation(("tenants", index, "priority_class"), sentence, classes)

    def _unknown_namespaces(self) -> Iterator[Violation]:
        known = tuple(row.name for row in self.namespaces)
        named: list[tuple[tuple[str | int, ...], str]] = [(("hub_namespace",), self.hub_namespace)]
        for field in ("quotas", "limit_ranges", "tenants"):
            named += [((field, index, "namespace"), row.namespace) for index, row in enumerate(getattr(self, field))]
        for index, export in enumerate(self.exports):
            named += [(("exports", index, "namespaces", place), name) for place, name in enumerate(export.namespaces)]
        for place, name in named:
            if name not in known:
                yield Violation(place, f"There is no namespace {name!r} in this site.", known)

    def _missing_for_catalogue(self) -> Iterator[Violation]:
        namespaces = {row.name for row in self.namespaces}
        for name in self.catalogue.namespaces:
            if name not in namespaces:
                sentence = f"A team of this catalogue has the namespace {name!r}, which this site lacks."
                yield Violation(("catalogue",), sentence)
        classes = {row.name for row in self.priority_classes} | {*BUILT_IN_PRIORITY_CLASSES}
        for name in self.catalogue.priority_classes:
            if name not in classes:
                sentence = f"A priority of this catalogue has the class {name!r}, which this site lacks."
                yield Violation(("catalogue",), sentence)

    def _impossible(self) -> Iterator[Violation]:
        if self.node_count > MAX_NODES:
            yield Violation(
                ("pools",), f"The pools have {self.node_count:,} nodes; a cluster has at most {MAX_NODES:,}."
            )
        defaults = [index for index, row in enumerate(self.priority_classes) if row.default]
        for index in defaults[1:]:
            yield Violation(("priority_classes", index, "default"), "Only one priority class can be the default.")
        for index, tenant in enumerate(self.tenants):
            if tenant.replicas and not any(tenant.fits(pool) for pool in self.pools):
                yield Violation(
                    ("tenants", index), "A pod of this tenant fits on no node of this site, even an empty one."
                )


def _repeated(field: str, rows: Sequence[Row], key: Callable[..., tuple[str, ...]]) -> Iterator[Violation]:
    first: dict[tuple[str, ...], int] = {}
    for index, row in enumerate(rows):
        name = key(row)
        if name in first:
            yield Violation((field, index, "name"), f"{name[-1]!r} is already the name of {field}[{first[name]}].")
        first.setdefault(name, index)
