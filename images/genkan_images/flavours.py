"""What kinds of images there are, and what is the same for every release of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Flavour(StrEnum):
    """What an image is for; the last part of its name in a registry."""

    PYTORCH = "pytorch"
    TENSORFLOW = "tensorflow"
    JAX = "jax"
    RAPIDS = "rapids"
    CUDA = "cuda"
    CPU = "cpu"


class Kind(StrEnum):
    """How a base is built, and so which Dockerfile wraps it."""

    NGC = "ngc"
    """NVIDIA's framework images: an entrypoint of their own, and the framework in the system's Python."""
    CONDA = "conda"
    """RAPIDS: the framework in conda's environment."""
    PLAIN = "plain"
    """Debian or Ubuntu, with CUDA or without: nothing but the system's Python."""


class Channel(StrEnum):
    """What a site may expect of an image; each is a tag that a promotion moves, one release at a time."""

    CANDIDATE = "candidate"
    STABLE = "stable"
    LONG = "long"


@dataclass(frozen=True, slots=True)
class Design:
    """What is the same for every release of a flavour."""

    title: str
    kind: Kind
    entrypoint: str
    """The base's own, which ours calls; empty where it has none."""
    python: str
    """The interpreter that has the framework, and that notebooks run on."""

    @property
    def dockerfile(self) -> str:
        """Its Dockerfile, in the folder of the build context."""
        return f"{self.kind}.Dockerfile"


_NVIDIA = "/opt/nvidia/nvidia_entrypoint.sh"
_SYSTEM = "/usr/bin/python3"

DESIGNS: Mapping[Flavour, Design] = {
    Flavour.PYTORCH: Design("PyTorch", Kind.NGC, _NVIDIA, _SYSTEM),
    Flavour.TENSORFLOW: Design("TensorFlow", Kind.NGC, _NVIDIA, _SYSTEM),
    Flavour.JAX: Design("JAX", Kind.NGC, _NVIDIA, _SYSTEM),
    Flavour.RAPIDS: Design("RAPIDS", Kind.CONDA, "/home/rapids/entrypoint.sh", "/opt/conda/bin/python"),
    Flavour.CUDA: Design("CUDA", Kind.PLAIN, _NVIDIA, _SYSTEM),
    Flavour.CPU: Design("SciPy", Kind.PLAIN, "", _SYSTEM),
}
"""The design of each flavour."""
