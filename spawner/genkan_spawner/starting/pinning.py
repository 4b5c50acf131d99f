"""Keeping a pod to the machine that has its storage already: the scheduler itself does not look at that."""

from genkan_spawner.api import JsonObject

_REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


def pinned(manifest: JsonObject, node: str) -> JsonObject:
    """Return a pod that can be on one node only, beside what it asks for already; without a name it stays as it is."""
    if not node:
        return manifest
    spec = manifest["spec"]
    affinity = spec.get("affinity") or {}
    of_nodes = affinity.get("nodeAffinity") or {}
    wanted = {"key": "metadata.name", "operator": "In", "values": [node]}
    terms = (of_nodes.get(_REQUIRED) or {}).get("nodeSelectorTerms") or [{}]
    # Terms are alternatives, and what is in one of them has to hold together.
    kept = [{**term, "matchFields": [*(term.get("matchFields") or ()), wanted]} for term in terms]
    own = {**of_nodes, _REQUIRED: {"nodeSelectorTerms": kept}}
    return {**manifest, "spec": {**spec, "affinity": {**affinity, "nodeAffinity": own}}}
