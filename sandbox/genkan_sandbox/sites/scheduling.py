"""The scheduler's configuration for a site."""

from pathlib import Path

from genkan_spawner.api import JsonObject

from .hardware import WHOLE_CARD
from .models import Site


def scheduler_configuration(site: Site, *, kubeconfig: Path) -> JsonObject:
    """Return the KubeSchedulerConfiguration, whose `--config` makes the scheduler ignore `--kubeconfig`.

    With packing on, a pod goes to the fullest node on which it fits (MostAllocated instead of the default
    LeastAllocated). All nodes are scored: with the default of about half of them, packing would miss the fullest.
    """
    profile: JsonObject = {"schedulerName": "default-scheduler"}
    if site.scheduler.packing:
        profile["pluginConfig"] = [{"name": "NodeResourcesFit", "args": _packing_arguments(site)}]
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "KubeSchedulerConfiguration",
        "clientConnection": {"kubeconfig": str(kubeconfig), "qps": 1000, "burst": 2000},
        "leaderElection": {"leaderElect": False},
        "percentageOfNodesToScore": 100,
        "profiles": [profile],
    }


def _packing_arguments(site: Site) -> JsonObject:
    devices = sorted({WHOLE_CARD, *site.offered})
    return {
        "apiVersion": "kubescheduler.config.k8s.io/v1",
        "kind": "NodeResourcesFitArgs",
        "scoringStrategy": {
            "type": "MostAllocated",
            "resources": [
                {"name": "cpu", "weight": 1},
                {"name": "memory", "weight": 1},
                *({"name": device, "weight": site.scheduler.gpu_weight} for device in devices),
            ],
        },
    }
