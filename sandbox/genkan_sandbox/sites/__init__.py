"""Sites: descriptions of clusters, and the Kubernetes objects that they become."""

from .catalogues import ShippedCatalogue
from .hardware import Device, Pool, Taint, TaintEffect
from .loading import load_site, shipped_sites
from .manifests import node_manifest, site_manifests
from .models import Scheduler, Site
from .people import User
from .scheduling import scheduler_configuration

__all__ = [
    "Device",
    "Pool",
    "Scheduler",
    "ShippedCatalogue",
    "Site",
    "Taint",
    "TaintEffect",
    "User",
    "load_site",
    "node_manifest",
    "scheduler_configuration",
    "shipped_sites",
    "site_manifests",
]
