"""The gate for secrets: passwords, keys and tokens in the layers that we add."""

from .ignored import Exceptions
from .outcome import Outcome
from .trivy import Report, our_layers, require_secrets


def judge_secrets(image: Report, *, base_layers: tuple[str, ...], exceptions: Exceptions) -> Outcome:
    """Keep an image back for whatever looks like a secret in our layers; `base_layers` are the diff ids of the base.

    What Trivy does not place in a layer counts as ours. The secret itself is never repeated. Raises ReportError.
    """
    require_secrets(image, source="The image's report")
    our_layers(image.metadata.diff_ids, base_layers)
    failures = []
    theirs = 0
    for result, secret in image.secrets():
        if secret.layer.diff_id in base_layers:
            theirs += 1
        elif not exceptions.cover(secret.rule_id, result.target):
            what = secret.title or secret.rule_id
            failures.append(
                f"{result.target}:{secret.start_line}: This looks like a secret ({what}, {secret.rule_id})."
            )
    notes = [f"The base has {theirs} of what looks like secrets; they are its publisher's."] if theirs else []
    return Outcome(failures=(*failures, *exceptions.failures()), notes=(*notes, *exceptions.notes()))
