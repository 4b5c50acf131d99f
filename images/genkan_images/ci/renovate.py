"""Settings of Renovate, which proposes newer bases in the matrix."""

import json
from typing import Any

from genkan_images.matrix import Source

_FILE = "renovate.json"
_REGISTRIES = {Source.NVIDIA: "NVIDIA_REGISTRY", Source.LIBRARY: "LIBRARY_REGISTRY"}

NGC_TAGS = r"regex:^(?<major>\d{2})\.(?<minor>\d{2})(?:\.(?<patch>\d+))?-(?<compatibility>(?:tf2-)?py3)$"
"""NVIDIA's framework images: year, month, now and then a patch, and a variant that has to stay."""
RAPIDS_TAGS = r"regex:^(?<major>\d{2})\.(?<minor>\d{2})-(?<compatibility>cuda\d+(?:\.\d+)?-py3\.\d+)$"
"""RAPIDS: year, month, and the CUDA and Python that it is built for."""
CUDA_TAGS = r"regex:^(?<major>\d+)\.(?<minor>\d+)\.(?<patch>\d+)-(?<compatibility>[a-z-]+-ubuntu\d{2}\.\d{2})$"
"""CUDA itself: its version, and the libraries and distribution around it."""


def base_pattern(source: Source) -> str:
    """Return the expression that finds the bases of a source in the matrix, as JavaScript has it."""
    separator = r"[\s,]+"
    fields = (
        r"channel: (?<depType>candidate|stable|long)",
        rf"base:\s*\{{?\s*source: {source}",
        r"path: (?<depName>[a-z0-9./_-]+)",
        r'tag: "?(?<currentValue>[A-Za-z0-9._-]+)"?',
        r"digest: (?<currentDigest>sha256:[0-9a-f]{64})",
    )
    return fields[0] + r"\s+" + separator.join(fields[1:])


def renovate_files() -> dict[str, str]:
    """Return the settings, by their path. Where registries are, Renovate's own environment says."""
    data: dict[str, Any] = {
        "$schema": "https://docs.renovatebot.com/renovate-schema.json",
        "description": "Bases of single-user images, written by `genkan images ci`.",
        "extends": ["config:recommended"],
        "enabledManagers": ["custom.regex"],
        "customManagers": [
            {
                "customType": "regex",
                "managerFilePatterns": ["/^images/matrix\\.yaml$/"],
                "matchStrings": [base_pattern(source)],
                "datasourceTemplate": "docker",
                "packageNameTemplate": f"{{{{{{env.{_REGISTRIES[source]}}}}}}}/{{{{{{depName}}}}}}",
            }
            for source in Source
        ],
        "packageRules": [
            {"matchDepNames": ["nvidia/**"], "versioning": NGC_TAGS},
            {"matchDepNames": ["nvidia/rapidsai/**"], "versioning": RAPIDS_TAGS},
            {"matchDepNames": ["nvidia/cuda"], "versioning": CUDA_TAGS},
            {"matchDepNames": ["library/ubuntu"], "versioning": "ubuntu"},
            {
                "description": "What is offered stays at its release: a candidate takes its place when it was tried.",
                "matchDepTypes": ["stable", "long"],
                "matchUpdateTypes": ["major", "minor", "patch"],
                "enabled": False,
            },
            {
                "description": "`genkan images lint` says what of the row has to follow.",
                "matchManagers": ["custom.regex"],
                "addLabels": ["genkan-images"],
                "automerge": False,
                "schedule": ["before 6am on monday"],
                "separateMajorMinor": False,
            },
        ],
    }
    return {_FILE: json.dumps(data, indent=2) + "\n"}
