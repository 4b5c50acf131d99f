"""Images that were built on this machine, as `make images` lists them."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from genkan_sandbox.exceptions import OptionError
from genkan_sandbox.real_node.archives import command_of
from genkan_sandbox.real_node.settings import ImageArchive

LIST = Path("images", "built.json")
"""In the cache."""


_MEND = "Build images with `make images`, or name a list of others with --images."

_SERVER = "jupyterhub-singleuser"


def single_user_images(images: Mapping[str, ImageArchive]) -> dict[str, ImageArchive]:
    """Return those that start a server for a user; bases and the hub's own image do not. OptionError: one is broken."""
    try:
        return {name: image for name, image in images.items() if _SERVER in command_of(image.archive)}
    except ValueError as e:
        raise OptionError(f"{e}.", mend=_MEND) from e


def built_images(file: Path) -> dict[str, ImageArchive]:
    """Return the images of a list, by flavour. OptionError: there is none, or an archive is missing."""
    try:
        found = TypeAdapter(dict[str, ImageArchive]).validate_json(file.read_bytes())
    except FileNotFoundError as e:
        raise OptionError(f"A real node needs images, and there is no list of them at {file}.", mend=_MEND) from e
    except ValidationError as e:
        place = ".".join(map(str, e.errors()[0]["loc"]))
        raise OptionError(f"{file} is no list of images: {place}: {e.errors()[0]['msg']}.", mend=_MEND) from e
    if not found:
        raise OptionError(f"{file} lists no images.", mend=_MEND)
    for name, image in found.items():
        if not image.archive.is_file():
            raise OptionError(f"The image {name} of {file} is not at {image.archive}.", mend=_MEND)
    return found
