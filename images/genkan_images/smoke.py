"""A Job that tries an image on a cluster: its framework, as the pods of users start it.

It gives `args` and never `command`, which would replace the entrypoint with which CUDA works on older drivers.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from genkan_profiles.names import DottedName, ExtendedResource, LabelKey, LabelValue, is_image_reference

from .exceptions import ImagesError
from .flavours import Flavour
from .matrix import MatrixRow

DEADLINE_S = 3600
"""How long a try may take, the first pull of many gigabytes among it."""

_PYTORCH = """
import torch
assert torch.cuda.is_available(), "PyTorch sees no GPU."
print(torch.cuda.get_device_name(0), "with CUDA", torch.version.cuda)
x = torch.randn(1024, 1024, device="cuda")
# Compiled on this machine: the first thing that fails where CUDA is newer than the driver.
y = torch.compile(lambda x: torch.relu(x @ x).sum())(x)
assert torch.isfinite(y), "A product of matrices is not finite."
"""
_TENSORFLOW = """
import tensorflow as tf
devices = tf.config.list_physical_devices("GPU")
assert devices, "TensorFlow sees no GPU."
print(devices)
x = tf.random.normal((1024, 1024))
y = tf.function(lambda x: tf.reduce_sum(tf.nn.relu(x @ x)), jit_compile=True)(x)
assert tf.math.is_finite(y), "A product of matrices is not finite."
"""
_JAX = """
import jax
import jax.numpy as jnp
print(jax.devices("gpu"))
x = jax.random.normal(jax.random.key(0), (1024, 1024))
y = jax.jit(lambda x: jax.nn.relu(x @ x).sum())(x)
assert jnp.isfinite(y), "A product of matrices is not finite."
"""
_RAPIDS = """
import cudf
x = cudf.DataFrame({"key": [1, 1, 2], "value": [1.0, 2.0, 3.0]})
assert x.groupby("key").sum().sort_index()["value"].to_arrow().to_pylist() == [3.0, 3.0], "A sum is wrong."
print("cuDF", cudf.__version__)
"""
_CUDA = """
import ctypes
cuda = ctypes.CDLL("libcuda.so.1")
assert cuda.cuInit(0) == 0, "The driver cannot be used."
version, count = ctypes.c_int(), ctypes.c_int()
cuda.cuDriverGetVersion(ctypes.byref(version))
cuda.cuDeviceGetCount(ctypes.byref(count))
assert count.value, "CUDA sees no GPU."
print(count.value, "GPUs, CUDA of the driver", version.value / 1000)
"""
_CPU = """
import numpy
import scipy.linalg
x = numpy.eye(1024) * 2
assert numpy.allclose(scipy.linalg.inv(x), x / 4), "An inverse is wrong."
print("NumPy", numpy.__version__)
"""
CHECKS: Mapping[Flavour, str] = {
    Flavour.PYTORCH: _PYTORCH,
    Flavour.TENSORFLOW: _TENSORFLOW,
    Flavour.JAX: _JAX,
    Flavour.RAPIDS: _RAPIDS,
    Flavour.CUDA: _CUDA,
    Flavour.CPU: _CPU,
}
"""What each flavour must be able to do."""


def node_selector(texts: Iterable[str]) -> dict[str, str]:
    """Return what `KEY=VALUE` asks of nodes; raises ImagesError for anything else."""
    found = {}
    for text in texts:
        key, equals, value = text.partition("=")
        if not equals:
            message = (
                f"{text!r} selects no nodes; write a label and its value, such as nvidia.com/gpu.product=Tesla-T4."
            )
            raise ImagesError(message)
        found[_held(LabelKey, key)] = _held(LabelValue, value)
    return found


def smoke_test_job(
    row: MatrixRow, *, image: str, gpu_resource: str, pull_secret: str = "", nodes: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return the manifest of a Job that a namespace with the restricted Pod Security Standard takes.

    Raises ImagesError for an image without digest, and for names that Kubernetes would not take.
    """
    if not is_image_reference(image) or "@sha256:" not in image:
        message = f"{image!r} is no image with its digest; only what cannot change is worth a try."
        raise ImagesError(message)
    resource = _held(ExtendedResource, gpu_resource)
    secrets = [{"name": _held(DottedName, pull_secret)}] if pull_secret else []
    labels = {"app.kubernetes.io/name": "genkan-smoke-test", "app.kubernetes.io/component": row.target}
    spec: dict[str, Any] = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 1000,
            "runAsGroup": 100,
            "fsGroup": 100,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "nodeSelector": dict(nodes or {}),
        "imagePullSecrets": secrets,
        "tolerations": [] if row.flavour is Flavour.CPU else [{"key": resource, "operator": "Exists"}],
        "containers": [_container(row, image=image, gpu_resource=resource)],
        "volumes": [{"name": "shared-memory", "emptyDir": {"medium": "Memory", "sizeLimit": "1Gi"}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"generateName": f"genkan-{row.target}-", "labels": labels},
        "spec": {
            "activeDeadlineSeconds": DEADLINE_S,
            "backoffLimit": 0,
            "ttlSecondsAfterFinished": DEADLINE_S,
            "template": {
                "metadata": {"labels": labels},
                "spec": {key: value for key, value in spec.items() if value not in ({}, [])},
            },
        },
    }


def _container(row: MatrixRow, *, image: str, gpu_resource: str) -> dict[str, Any]:
    sizes = {"cpu": "2", "memory": "8Gi"}
    if row.flavour is not Flavour.CPU:
        sizes[gpu_resource] = "1"
    return {
        "name": "try",
        "image": image,
        "args": [row.design.python, "-c", CHECKS[row.flavour].lstrip()],
        "resources": {"requests": sizes, "limits": sizes},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "volumeMounts": [{"name": "shared-memory", "mountPath": "/dev/shm"}],  # noqa: S108  # where it is in every container
    }


def _held(kind: Any, text: str) -> str:
    """Return a name that Kubernetes takes; raises ImagesError with the rule for any other."""
    try:
        return str(TypeAdapter(kind).validate_python(text))
    except ValidationError as error:
        raise ImagesError(error.errors()[0]["msg"].removeprefix("Value error, ")) from error
