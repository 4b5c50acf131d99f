import itertools
from collections import Counter
from typing import Any

import pytest

from genkan_profiles.quantities import quantity_bytes
from genkan_sandbox.sites import Site, load_site, shipped_sites, site_manifests

SITES = ["datacenter", "empty", "large", "workstations"]


def nodes(site: Site) -> list[dict[str, Any]]:
    return [manifest for manifest in site_manifests(site) if manifest["kind"] == "Node"]


def test_the_shipped_sites_say_what_they_are() -> None:
    assert list(shipped_sites()) == SITES
    assert all(description.endswith(".") for description in shipped_sites().values())


def test_workstations_are_those_of_the_scheduling_fixture() -> None:
    site = load_site("workstations")

    shapes = Counter(
        (
            node["status"]["allocatable"]["cpu"],
            node["status"]["allocatable"]["memory"],
            node["status"]["allocatable"]["nvidia.com/gpu"],
            node["metadata"]["labels"]["nvidia.com/gpu.product"],
        )
        for node in nodes(site)
    )

    assert shapes == {
        ("8", "50Gi", "2", "NVIDIA-GeForce-RTX-2080-Ti"): 2,
        ("4", "20Gi", "1", "NVIDIA-GeForce-GTX-1080"): 3,
    }


def test_the_datacenter_has_every_kind_of_machine() -> None:
    site = load_site("datacenter")
    cards = Counter(
        (node["metadata"]["labels"].get("nvidia.com/gpu.product"), node["status"]["allocatable"].get("nvidia.com/gpu"))
        for node in nodes(site)
    )

    assert site.node_count == 12
    assert cards == {
        (None, None): 3,
        ("Tesla-V100-SXM2-16GB", "4"): 3,
        ("Tesla-V100-SXM2-32GB", "8"): 2,
        ("NVIDIA-A100-SXM4-80GB", "4"): 3,
        ("NVIDIA-A100-SXM4-80GB", "2"): 1,
    }
    assert site.offered["nvidia.com/mig-1g.10gb"] == 7
    assert site.tenants


def test_the_large_site_is_large() -> None:
    site = load_site("large")

    assert site.node_count == 130
    assert site.offered["nvidia.com/gpu"] >= 520
    assert sum(int(node["status"]["allocatable"]["pods"]) for node in nodes(site)) > 3000
    free = sum(int(node["status"]["allocatable"]["cpu"]) for node in nodes(site))
    free -= sum(tenant.replicas * int(tenant.cpu) for tenant in site.tenants)
    assert free > 3000, "three thousand small servers find CPUs"


def test_the_empty_site_has_no_nodes() -> None:
    assert nodes(load_site("empty")) == []


@pytest.mark.parametrize("name", SITES)
def test_four_users_can_start_two_gpus_each_and_a_fifth_meets_a_limit(name: str) -> None:
    site = load_site(name)
    limits = [int(quota.hard["requests.nvidia.com/gpu"]) for quota in site.quotas if quota.namespace == "genkan"]

    assert len(site.users) >= 2
    assert any(user.admin for user in site.users)
    if site.node_count:
        assert min(limits) >= 4
        assert min(limits) <= site.offered["nvidia.com/gpu"]


@pytest.mark.parametrize("name", SITES)
def test_tenants_leave_room_and_stay_within_their_quota(name: str) -> None:
    site = load_site(name)
    asked: Counter[str] = Counter()
    for tenant in site.tenants:
        asked.update({resource: tenant.replicas * count for resource, count in tenant.devices.items()})
    limits = {
        quota.namespace: int(quota.hard["requests.nvidia.com/gpu"])
        for quota in site.quotas
        if "requests.nvidia.com/gpu" in quota.hard
    }

    assert all(count < site.offered[resource] for resource, count in asked.items())
    for namespace, group in itertools.groupby(
        sorted(site.tenants, key=lambda tenant: tenant.namespace), key=lambda tenant: tenant.namespace
    ):
        used = sum(tenant.replicas * tenant.devices.get("nvidia.com/gpu", 0) for tenant in group)
        assert used <= limits.get(namespace, used)


@pytest.mark.parametrize("name", SITES)
def test_every_gpu_machine_has_room_for_the_servers_that_use_its_cards(name: str) -> None:
    """Otherwise cards would be free that no profile of the built-in catalogue can reach."""
    for pool in load_site(name).pools:
        cards = pool.offered.get("nvidia.com/gpu", 0)
        assert float(pool.cpu) >= 4 * cards
        assert quantity_bytes(pool.memory) >= cards * 16 * 2**30
