"""`python -m genkan_hub.cluster_page`: what a hub starts; `genkan cluster-page` is the same for people."""

import typer

from .cli import cluster_page

typer.run(cluster_page)
