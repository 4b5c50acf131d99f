"""Sites by name or from a file."""

from pathlib import Path

from genkan_profiles.documents import load_document
from genkan_profiles.exceptions import DocumentError
from genkan_sandbox.exceptions import SiteError

from .models import Site

_SHIPPED = Path(__file__).parent
_SUFFIXES = (".yaml", ".yml")


def shipped_sites() -> dict[str, str]:
    """Return the sites that come with the sandbox: name and description."""
    return {name: load_site(name).description for name in _names()}


def load_site(name_or_path: str) -> Site:
    """Return a shipped site by its name, or the site that a YAML file describes.

    A word without a slash and without `.yaml` is a name. Raises SiteError with a line per problem: file, line, column,
    the way to the value, what is wrong and what is allowed.
    """
    path = Path(name_or_path)
    if path.name == name_or_path and path.suffix not in _SUFFIXES:
        if name_or_path not in _names():
            raise SiteError(
                f"There is no site called {name_or_path!r} (shipped: {', '.join(_names())}).",
                mend="Give one of these names, or the path of a site file that ends in .yaml.",
            )
        path = _SHIPPED / f"{name_or_path}.yaml"
    try:
        return load_document(path, Site)
    except DocumentError as error:
        raise SiteError(str(error)) from error


def _names() -> list[str]:
    return sorted(path.stem for path in _SHIPPED.glob("*.yaml"))
