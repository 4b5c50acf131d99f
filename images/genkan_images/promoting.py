"""A promotion: a channel's tag is moved to a digest, and nothing is built or packed anew."""

import re
import subprocess

from genkan_profiles.names import is_image_reference

from .exceptions import ImagesError
from .flavours import Channel

_BY_DIGEST = re.compile(r"(?P<repository>[^@]+)@(?P<digest>sha256:[0-9a-f]{64})")


def promote(image: str, channel: Channel, *, tls: bool = True) -> str:
    """Move a channel's tag to an image that is given by its digest; return what now points to it.

    Raises ImagesError if the image is given by a tag, is not there, or if the registry says something else afterwards.
    """
    found = _BY_DIGEST.fullmatch(image)
    if not found or not is_image_reference(image):
        message = (
            f"{image[:200]!r} has no digest: promote what was checked, REGISTRY/genkan/cpu@sha256:... or the like."
        )
        raise ImagesError(message)
    repository = found["repository"].removesuffix(_tag(found["repository"]))
    source, target = f"docker://{repository}@{found['digest']}", f"docker://{repository}:{channel}"
    secure = str(tls).lower()
    verify = [f"--src-tls-verify={secure}", f"--dest-tls-verify={secure}"]
    _skopeo("copy", "--quiet", "--all", "--preserve-digests", *verify, source, target)
    now = _skopeo("inspect", "--no-tags", "--format", "{{.Digest}}", f"--tls-verify={secure}", target).strip()
    if now != found["digest"]:
        message = f"{repository}:{channel} points to {now} after the promotion, and not to {found['digest']}."
        raise ImagesError(message)
    return f"{repository}:{channel}"


def _tag(repository: str) -> str:
    """Return the tag that stands before a digest, with its colon; a registry's port is none."""
    name = repository.rpartition("/")[2]
    return f":{name.partition(':')[2]}" if ":" in name else ""


def _skopeo(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["skopeo", *arguments], check=False, capture_output=True, encoding="utf-8", errors="replace"
        )
    except FileNotFoundError as error:
        raise ImagesError("skopeo is not installed. On Debian: apt-get install skopeo") from error
    if done.returncode != 0:
        message = f"skopeo could not {arguments[0]} {arguments[-1]}: {done.stderr.strip()[-1000:]}"
        raise ImagesError(message)
    return done.stdout
