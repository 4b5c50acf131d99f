"""A log of every request to the API server: who asked for what, and when.

https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/
"""

from pathlib import Path

from genkan_spawner.api import JsonObject

AUDIT = "audit"
"""The log's name among those of the components."""

_LARGEST = 1_000_000
"""Megabytes until the API server would begin another file: never, as a reader follows the first one."""


def audit_policy() -> JsonObject:
    """Return a policy that keeps of each request its metadata once: at its end, and for a watch at its begin too."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [{"level": "Metadata"}],
    }


def audit_flags(*, policy: Path, log: Path) -> tuple[str, ...]:
    """Return the API server's flags for it."""
    return (
        f"--audit-policy-file={policy}",
        f"--audit-log-path={log}",
        f"--audit-log-maxsize={_LARGEST}",
        # Writing in batches keeps the log out of the requests' way.
        "--audit-log-mode=batch",
        "--audit-log-batch-max-wait=1s",
    )
