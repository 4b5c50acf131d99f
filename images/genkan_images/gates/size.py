"""The gate for size: what our layers add to a base, as a node fetches it."""

from .archives import Archive
from .outcome import Outcome
from .trivy import our_layers

_MB = 1_000_000


def judge_size(image: Archive, base: Archive, *, budget: int) -> Outcome:
    """Keep an image back whose layers add more than the budget, in compressed bytes.

    Layers are told apart by their content, since a base is compressed anew where it is copied. Raises ReportError.
    """
    ours = set(our_layers(image.diff_ids, base.diff_ids))
    stored = [layer for layer in image.layers if layer.diff_id in ours]
    plain = [layer for layer in stored if layer.media_type.endswith(".tar")]
    total = sum(layer.size for layer in stored)
    said = f"Our {len(stored)} layers have {total / _MB:.1f} MB compressed; the budget is {budget / _MB:.1f} MB."
    if plain:
        sentence = f"{len(plain)} of our {len(stored)} layers are not compressed, so their size says nothing."
        return Outcome(failures=(sentence,))
    if total > budget:
        return Outcome(failures=(said,))
    return Outcome(notes=(said,))
