"""The files that administrators give to Prometheus and Grafana, and what is asked in them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jupyterhub import metrics as jupyterhub_metrics
from prometheus_client.metrics import MetricWrapperBase

from genkan_hub.cluster_page.metrics import registry_of
from genkan_sandbox.agent.exporter import FAMILIES
from genkan_spawner import catalogue_metrics

from ..cluster_page.scenes import Scene
from ..cluster_page.test_metrics import Still

FILES = Path(__file__).parents[3] / "hub" / "monitoring"
ALERTS, DASHBOARD = FILES / "alerts.yaml", FILES / "grafana-dashboard.json"

_VARIABLES = {"$namespace": ".*", "$__rate_interval": "5m"}
_METRIC = re.compile(r"\b(?:genkan|jupyterhub|DCGM)_[A-Za-z0-9_]+")


def alerts() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def asked() -> Iterator[str]:
    """Yield what the dashboard asks, with Grafana's variables filled in."""
    for panel in dashboard()["panels"]:
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for name, value in _VARIABLES.items():
                expression = expression.replace(name, value)
            yield expression


def named(expression: str) -> set[str]:
    """Return the metrics that an expression names."""
    return set(_METRIC.findall(expression))


def known() -> set[str]:
    """Return the metrics that the hub, its cluster page and dcgm-exporter have."""
    scene = Scene()
    page = {family.name for family in registry_of(Still(scene)).collect()}
    hub = {
        sample
        for module in (jupyterhub_metrics, catalogue_metrics)
        for metric in vars(module).values()
        if isinstance(metric, MetricWrapperBase)
        for family in metric.describe()
        for sample in (family.name, f"{family.name}_count", f"{family.name}_bucket", f"{family.name}_sum")
    }
    return page | hub | {name for name, _ in FAMILIES}
