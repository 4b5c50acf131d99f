"""`python -m genkan_hub.cluster_page`: what the hub starts; `genkan cluster-page` is the same for people."""

from genkan_hub.cli import app

app(["cluster-page"])
