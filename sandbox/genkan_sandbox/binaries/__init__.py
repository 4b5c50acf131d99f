"""The programs of the sandbox: found on PATH or in a cache, downloaded, or built from pinned modules."""

from genkan_sandbox.binaries.components import EVERY_SOURCE, Binaries, Provenance, Source
from genkan_sandbox.binaries.describing import describe, to_json
from genkan_sandbox.binaries.preparing import prepare, prepare_helm, prepare_kubelet
from genkan_sandbox.binaries.workshop import Addresses

__all__ = [
    "EVERY_SOURCE",
    "Addresses",
    "Binaries",
    "Provenance",
    "Source",
    "describe",
    "prepare",
    "prepare_helm",
    "prepare_kubelet",
    "to_json",
]
