"""Which images run on which GPUs, as far as the catalogue alone can tell: drivers are a matter of the nodes."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from .gpu_products import GpuProduct
from .hardware import Gpu, Hardware
from .images import Image, Number, RunsOn, numbers

Products: TypeAlias = Mapping[str, GpuProduct]
"""The known GPU products by the value of their label."""

OLDEST_CAPABILITY: Mapping[int, Number] = {9: (3, 0), 10: (3, 0), 11: (3, 5), 12: (5, 0), 13: (7, 5)}
"""The oldest compute capability for which a major version of CUDA still builds (release notes of each version)."""

OLDEST_CUDA: Mapping[Number, Number] = {
    (7, 0): (9, 0),
    (7, 5): (10, 0),
    (8, 0): (11, 0),
    (8, 6): (11, 1),
    (8, 9): (11, 8),
    (9, 0): (11, 8),
    (10, 0): (12, 8),
    (10, 3): (12, 9),
    (12, 0): (12, 8),
    (12, 1): (12, 9),
}
"""The first CUDA that knows a compute capability (release notes of each version)."""


def obstacle(image: Image, hardware: Hardware, *, products: Products) -> str:
    """Return in a sentence why an image cannot run on a hardware; empty if nothing is known against it.

    Where a hardware has several products, the image must run on each of them.
    """
    gpu = hardware.gpu
    if gpu is None:
        return "It is meant for hardware with GPUs." if image.runs_on is RunsOn.GPU else ""
    if image.runs_on is RunsOn.CPU:
        return "It is meant for hardware without GPUs."
    if image.cuda is not None and not gpu.is_nvidia:
        return f"Its CUDA {image.cuda} runs on NVIDIA's GPUs, and {gpu.resource} are none of them."
    if not gpu.is_nvidia:
        return ""
    found = (_obstacle_of_product(image, products[name]) for name in product_names(gpu) if name in products)
    return next(filter(None, found), "")


def all_obstacles(
    images: Sequence[Image], hardware: Iterable[Hardware], *, products: Products
) -> Mapping[str, tuple[str, ...]]:
    """Return the obstacle of each image, in their order, by the slug of the hardware.

    Rows whose GPUs do not differ in this share one tuple, and images that need the same are compared once: a form may
    ask for thousands of pairs.
    """
    needs = [(image.runs_on, image.cuda, image.min_compute_capability) for image in images]
    examples = dict(zip(needs, images, strict=True))
    known: dict[object, tuple[str, ...]] = {}
    found = {}
    for row in hardware:
        kind = (row.gpu.resource, row.gpu.product) if row.gpu else None
        if kind not in known:
            reasons = {need: obstacle(image, row, products=products) for need, image in examples.items()}
            known[kind] = tuple(reasons[need] for need in needs)
        found[row.slug] = known[kind]
    return found


def product_names(gpu: Gpu) -> tuple[str, ...]:
    """Return the cards behind the labels: time-slicing and MIG add to the name of the product."""
    return tuple(name.removesuffix("-SHARED").split("-MIG-")[0] for name in gpu.product)


def _obstacle_of_product(image: Image, card: GpuProduct) -> str:
    capability = numbers(card.compute_capability)
    has = f"{card.product} has {card.compute_capability}"
    if image.min_compute_capability and capability < numbers(image.min_compute_capability):
        return f"It needs compute capability {image.min_compute_capability} or newer, and {has}."
    if image.cuda is None:
        return ""
    cuda = numbers(image.cuda)
    # A version that is newer than this table has dropped at least what the newest one in it has.
    oldest = OLDEST_CAPABILITY.get(min(cuda[0], max(OLDEST_CAPABILITY)))
    if oldest is not None and capability < oldest:
        return f"CUDA {image.cuda} needs compute capability {_text(oldest)} or newer, and {has}."
    first = OLDEST_CUDA.get(capability)
    if first is not None and (*cuda, 0)[:2] < first:
        return f"{card.product} needs CUDA {_text(first)} or newer, and this image has {image.cuda}."
    return ""


def _text(number: Number) -> str:
    return ".".join(str(part) for part in number)
