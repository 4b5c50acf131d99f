"""How administrators set up the cluster page: traits of the hub's configuration, from where the page gets them."""

import re
from typing import Any
from urllib.parse import urlsplit

from traitlets import Bool, Dict, Float, TraitError, Unicode, validate
from traitlets.config import Configurable

from .hub_report import PageSettings

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class ClusterPage(Configurable):
    """The page at /services/cluster/: who holds which GPU, since when, and whether it computes."""

    names_for_everyone = Bool(
        default_value=False,
        config=True,
        help="""
        Whether all users may see who holds the GPUs, and with which profile.

        By default users see what is free, and of what is held only their own. Whoever may read all servers (the scope
        `read:servers`, which administrators have) sees everything in any case.
        """,
    )
    idle_after = Float(
        3600.0,
        config=True,
        min=60.0,
        help="""
        Seconds after which a GPU that is held and computes nothing is shown as idle.
        """,
    )
    idle_utilisation = Float(
        2.0,
        config=True,
        min=0.0,
        max=50.0,
        help="""
        Percent of utilisation up to which a GPU counts as computing nothing.
        """,
    )
    prometheus_url = Unicode(
        "",
        config=True,
        help="""
        Where Prometheus answers that scrapes dcgm-exporter, or what speaks its HTTP API, such as Thanos.

        Empty, the default, stands for none: the use of GPUs is then shown as not measured.

        Example::

            c.ClusterPage.prometheus_url = "http://prometheus.monitoring:9090"
        """,
    )
    prometheus_labels = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        config=True,
        help="""
        Labels that the series of this cluster have, where Prometheus keeps those of several.

        Example::

            c.ClusterPage.prometheus_labels = {"cluster": "north"}
        """,
    )
    prometheus_token_file = Unicode(
        "",
        config=True,
        help="""
        Path of a file with a bearer token for Prometheus, where the page's own process finds it.
        """,
    )

    prometheus_every = Float(
        10.0,
        config=True,
        min=1.0,
        max=60.0,
        help="""
        Seconds between two questions to Prometheus; exporters measure every 15 or 30.
        """,
    )

    @validate("prometheus_url")
    def _validate_prometheus_url(self, proposal: Any) -> str:
        value = str(proposal.value)
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise TraitError(f"prometheus_url must be an address such as http://prometheus:9090; it is {value!r}.")
        return value

    @validate("prometheus_labels")
    def _validate_prometheus_labels(self, proposal: Any) -> dict[str, str]:
        labels: dict[str, str] = dict(proposal.value)
        for name in labels:
            if not _LABEL.fullmatch(name):
                raise TraitError(f"prometheus_labels must be names of labels with their values; {name!r} is no name.")
        return labels

    def report(self, *, metrics_for_everyone: bool) -> PageSettings:
        """Return the settings as the page's process is told them."""
        values = {name: getattr(self, name) for name in self.trait_names(config=True)}
        return PageSettings(**values, metrics_for_everyone=metrics_for_everyone)
