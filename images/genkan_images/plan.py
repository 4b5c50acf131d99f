"""What follows from a matrix: builds, CI's jobs, labels, and rows of the catalogue.

All of it is plain data in a fixed order, so that the same matrix always gives the same bytes. No registry is named:
bake's variables NVIDIA_REGISTRY, LIBRARY_REGISTRY and REGISTRY are the site's, as are REVISION and CREATED of a build.
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import yaml

from genkan_profiles import Image
from genkan_profiles.images import RunsOn, numbers
from genkan_profiles.names import is_image_reference

from .exceptions import ImagesError
from .flavours import Channel, Flavour, Kind
from .matrix import Matrix, MatrixRow, Source

CONTEXT = "images/context"
"""The build context that all Dockerfiles share, seen from the checkout."""

SIZE_BUDGET = 700_000_000
"""Compressed bytes that our layers may add to a base."""

_REGISTRIES: Mapping[Source, str] = {Source.NVIDIA: "NVIDIA_REGISTRY", Source.LIBRARY: "LIBRARY_REGISTRY"}
_RUNS_ON: Mapping[Flavour, RunsOn] = {
    Flavour.CPU: RunsOn.CPU,
    Flavour.CUDA: RunsOn.GPU,
    Flavour.RAPIDS: RunsOn.GPU,
}
_LABEL = "dev.genkan"
_NVIDIA_LICENCE = "BSD-3-Clause AND LicenseRef-NVIDIA-Software-License"


def bake_plan(matrix: Matrix, *, jupyterhub: str) -> dict[str, Any]:
    """Return docker-bake.json: a target for each image, and a group for each flavour and channel.

    `jupyterhub` is the version that the server's lock file fixes.
    """
    names = sorted({str(row.flavour) for row in matrix.images} | {str(row.channel) for row in matrix.images})
    groups = {
        name: {"targets": [row.target for row in matrix.images if name in {row.flavour, row.channel}]} for name in names
    }
    variables = sorted(_REGISTRIES[source] for source in {row.base.source for row in matrix.images})
    return {
        "variable": {name: {"default": ""} for name in ("REGISTRY", *variables, "REVISION", "CREATED")},
        "group": {"default": {"targets": [row.target for row in matrix.images]}, **groups},
        "target": {row.target: _target(row, jupyterhub) for row in matrix.images},
    }


def ci_matrix(matrix: Matrix) -> dict[str, Any]:
    """Return the jobs of a CI, one for each image, as a matrix of GitHub's takes them."""
    return {
        "include": [
            {
                "target": row.target,
                "flavour": str(row.flavour),
                "tag": row.tag,
                "channel": str(row.channel),
                "dockerfile": row.design.dockerfile,
                "source": str(row.base.source),
                "base": row.base.reference,
                "pinned": row.base.digest is not None,
                "frozen": row.frozen,
                "gpu": row.flavour is not Flavour.CPU,
                "size_budget": SIZE_BUDGET,
                "licence_files": list(row.licence_files),
            }
            for row in matrix.images
        ]
    }


def labels(row: MatrixRow, *, jupyterhub: str) -> dict[str, str]:
    """Return an image's labels; what is not known is left out."""
    found = {
        "org.opencontainers.image.title": title(row),
        "org.opencontainers.image.version": row.tag,
        "org.opencontainers.image.licenses": _NVIDIA_LICENCE if row.licence_files else "BSD-3-Clause",
        "org.opencontainers.image.base.name": f"{_registry(row)}/{row.base.path}:{row.base.tag}",
        "org.opencontainers.image.base.digest": row.base.digest,
        f"{_LABEL}.flavour": str(row.flavour),
        f"{_LABEL}.channel": str(row.channel),
        f"{_LABEL}.framework.version": row.framework_version,
        f"{_LABEL}.python.version": row.python,
        f"{_LABEL}.cuda.version": row.cuda,
        f"{_LABEL}.driver.min": row.min_driver,
        f"{_LABEL}.gpu.compute-capabilities": ",".join(row.compute_capabilities) or None,
        f"{_LABEL}.jupyterhub.version": jupyterhub,
        f"{_LABEL}.end-of-life": row.end_of_life.isoformat(),
    }
    return {name: value for name, value in found.items() if value is not None}


def catalogue_rows(
    matrix: Matrix, *, registry: str, channels: Iterable[Channel], digests: Mapping[str, str]
) -> tuple[Image, ...]:
    """Return the catalogue's images of these channels; `digests` are those that were pushed, by target.

    A slug names flavour and channel, and so it outlives every release. Raises ImagesError if images cannot begin with
    `registry`.
    """
    if not is_image_reference(f"{registry}/cpu:24.04-r1"):
        message = (
            f"Images cannot begin with {registry!r}; take a registry and a path, such as registry.example.org/genkan."
        )
        raise ImagesError(message)
    wanted = frozenset(channels)
    return tuple(
        _catalogue_row(row, registry=registry, digest=digests.get(row.target))
        for row in matrix.images
        if row.channel in wanted
    )


def locked_version(lock: str, package: str) -> str:
    """Return the version that the text of a lock file fixes for a package; raises ImagesError if it fixes none."""
    for line in lock.splitlines():
        name, equals, rest = line.partition("==")
        if equals and name == package:
            return re.split(r"[\s;]", rest, maxsplit=1)[0]
    message = f"The lock file of the server fixes no version of {package}; run `make lock`."
    raise ImagesError(message)


def title(row: MatrixRow) -> str:
    """Return what people call an image."""
    title, release = row.design.title, row.release
    origin = {Kind.NGC: f"NGC {release}", Kind.CONDA: "", Kind.PLAIN: f"Ubuntu {release}"}[row.design.kind]
    version = row.cuda if row.flavour is Flavour.CUDA else row.framework_version
    name = f"{title} {version}" if version else title
    return f"{name} ({origin})" if origin else name


def json_text(data: Any) -> str:
    """Write data as the same bytes each time."""
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def catalogue_text(rows: Iterable[Image]) -> str:
    """Write rows as a file of a catalogue's directory."""
    data = [row.model_dump(mode="json", exclude_defaults=True) for row in rows]
    return yaml.safe_dump({"images": data}, sort_keys=False, allow_unicode=True, width=120)


def _target(row: MatrixRow, jupyterhub: str) -> dict[str, Any]:
    return {
        "context": CONTEXT,
        "dockerfile": row.design.dockerfile,
        "args": {
            "BASE_IMAGE": f"{_registry(row)}/{row.base.reference}",
            "BASE_ENTRYPOINT": row.design.entrypoint,
            "BASE_PYTHON": row.design.python,
            "IMAGE_NAME": f"{row.flavour}-{row.tag}",
            "KERNEL_NAME": title(row),
            "LICENCE_FILES": " ".join(row.licence_files),
        },
        "labels": {
            **labels(row, jupyterhub=jupyterhub),
            "org.opencontainers.image.revision": "${REVISION}",
            "org.opencontainers.image.created": "${CREATED}",
        },
        "tags": [f"${{REGISTRY}}/{row.name}"],
    }


def _registry(row: MatrixRow) -> str:
    return f"${{{_REGISTRIES[row.base.source]}}}"


def _catalogue_row(row: MatrixRow, *, registry: str, digest: str | None) -> Image:
    slug = str(row.flavour) if row.channel is Channel.STABLE else f"{row.flavour}-{row.channel}"
    name = title(row) if row.channel is Channel.STABLE else f"{title(row)}, {row.channel}"
    return Image.model_validate_json(
        json.dumps(
            {
                "slug": slug,
                "display_name": name,
                "image": f"{registry}/{row.name}" + (f"@{digest}" if digest else ""),
                "framework": " ".join(filter(None, (row.design.title, row.framework_version))),
                "runs_on": str(_RUNS_ON.get(row.flavour, RunsOn.ANY)),
                "cuda": row.cuda,
                "min_driver": row.min_driver,
                "min_compute_capability": min(row.compute_capabilities, key=numbers, default=None),
            }
        ),
        strict=True,
    )
