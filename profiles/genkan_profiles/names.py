"""Fields that hold names, each with the rule of the system that will read it."""

import re
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator, Field

_DNS_LABEL = r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_DNS_NAME = rf"(?=.{{1,253}}$){_DNS_LABEL}(\.{_DNS_LABEL})*"
_LONGEST_GROUP = 255
_QUALIFIED = r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"


def _rule(pattern: str, words: str) -> Callable[[str], str]:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not compiled.fullmatch(text):
            message = f"{text[:80]!r} cannot stand here: {words}."
            raise ValueError(message)
        return text

    return check


Name = Annotated[
    str,
    AfterValidator(
        _rule(
            _DNS_LABEL,
            "a name has at most 63 small letters, digits and dashes, with a letter or digit at both ends",
        )
    ),
]
"""A name that Kubernetes takes for namespaces and the like (DNS-1123 label)."""

DottedName = Annotated[
    str,
    AfterValidator(
        _rule(
            _DNS_NAME,
            "a name has small letters, digits, dashes and dots, with a letter or digit at both ends of each part",
        )
    ),
]
"""A name that Kubernetes takes for priority classes, quotas and the like (DNS-1123 subdomain)."""

LabelKey = Annotated[
    str,
    AfterValidator(
        _rule(
            rf"({_DNS_NAME.replace('$', '/')}/)?{_QUALIFIED}",
            "a label's key is a name of at most 63 characters, after a domain and a slash if there is one",
        )
    ),
]
"""Key of a label, annotation, taint or node selector."""

LabelValue = Annotated[
    str,
    AfterValidator(
        _rule(
            rf"({_QUALIFIED})?",
            "a label's value has at most 63 letters, digits, dashes, underscores and dots, "
            "with a letter or digit at both ends",
        )
    ),
]
"""Value of a label, taint or node selector."""

ExtendedResource = Annotated[
    str,
    AfterValidator(
        _rule(
            rf"(?!([^/]*\.)?kubernetes\.io/)(?!requests\.){_DNS_NAME.replace('$', '/')}/{_QUALIFIED}",
            "a device's resource is a domain, a slash and a name, such as nvidia.com/gpu",
        )
    ),
]
"""A resource that a device plug-in offers, of whatever vendor."""


def _check_group(text: str) -> str:
    if not 1 <= len(text) <= _LONGEST_GROUP or not text.isprintable() or text != text.strip():
        message = (
            f"{text[:80]!r} cannot stand here: a group has at most {_LONGEST_GROUP} characters of any script, "
            "none of them invisible, without a space at either end."
        )
        raise ValueError(message)
    return text


Group = Annotated[str, AfterValidator(_check_group)]
"""A group of users as the hub's authenticator names it: a word, Keycloak's path (`/lab/vision`), or a name in LDAP."""

_LONGEST_IMAGE = 512

_SLUG = r"(?!.*--)" + _DNS_LABEL

Slug = Annotated[
    str,
    AfterValidator(
        _rule(
            _SLUG,
            "a slug has at most 63 small letters, digits and single dashes, with a letter or digit at both ends",
        )
    ),
]
"""The name of a row in the catalogue, as links and forms carry it; two dashes part it from an option's name there."""

_IMAGE = (
    rf"({_DNS_NAME.replace('$', '[:/]')}(:[0-9]{{1,5}})?/)?"
    r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?|@sha256:[0-9a-f]{64})"
)

ImageReference = Annotated[
    str,
    Field(max_length=_LONGEST_IMAGE),
    AfterValidator(
        _rule(
            _IMAGE,
            "an image is a registry, a path and a tag or digest, such as registry.example.org/team/pytorch:26.09",
        )
    ),
]
"""An image with a tag, a digest or both; without either it would be whatever was pushed last."""


def is_slug(text: str) -> bool:
    """Return whether a text can be a slug."""
    return re.fullmatch(_SLUG, text) is not None


def is_image_reference(text: str) -> bool:
    """Return whether a text names an image with a tag, a digest or both; more than 512 characters never do."""
    return len(text) <= _LONGEST_IMAGE and re.fullmatch(_IMAGE, text) is not None
