"""What the hub may do in the cluster, from the file that the chart renders."""

from genkan_docs.fields import table
from genkan_hub.deployment.rights import Right, hub_rights

_HEAD = ("Right", "What it is for", "Without it")


def rights_reference(place: str) -> str:
    """List the rights of one place, `servers`, `cluster` or `everywhere`, as a Markdown table."""
    rights: tuple[Right, ...] = getattr(hub_rights(), place)
    rows = [(f"`{right.resource}`: {', '.join(right.verbs)}", right.use, right.without) for right in rights]
    return "\n".join(table(_HEAD, rows))
