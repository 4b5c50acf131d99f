"""Kubernetes quantities: exact numbers, written as Kubernetes itself writes them.

The grammar and the canonical form are those of k8s.io/apimachinery/pkg/api/resource: `0.5` is `500m`, `1024Mi` is
`1Gi`, and anything finer than a billionth is rounded away from zero.
"""

import math
import re
from decimal import ROUND_UP, Context, Decimal
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from .exceptions import QuantityError

_NANO = Decimal("1e-9")
_LARGEST = Decimal(2**63 - 1)
_EXACT = Context(prec=60)
_KIBI = 1024
_LARGEST_EXPONENT = 18
_LEAST_SIZE = 2**20
_SHOWN_CHARACTERS = 40
_GRAMMAR = re.compile(
    r"(?P<number>[+-]?(?:[0-9]{1,40}(?:\.[0-9]{0,40})?|\.[0-9]{1,40}))"
    r"(?:[eE](?P<exponent>[+-]?[0-9]{1,3})|(?P<suffix>[KMGTPE]i|[numkMGTPE]))?"
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 1, "Mi": 2, "Gi": 3, "Ti": 4, "Pi": 5, "Ei": 6}
_MENDS = {"K": "k or Ki", "KB": "k or Ki", "MB": "M or Mi", "GB": "G or Gi", "TB": "T or Ti", "GiB": "Gi", "MiB": "Mi"}


class Notation(StrEnum):
    """How the size of a quantity is written."""

    DECIMAL = "decimal"
    """Powers of 1000: `500m`, `2`, `16G`."""
    BINARY = "binary"
    """Powers of 1024 from one of them on: `16Gi`; less than 1024, or with a fraction, is written in decimal."""
    EXPONENT = "exponent"
    """Powers of 1000 as `e`: `16e9`."""


def parse_quantity(text: str) -> Decimal:
    """Return the exact number that a quantity stands for.

    Raises QuantityError with a sentence for people.
    """
    return _parse(text)[0]


def canonical_quantity(text: str) -> str:
    """Return a quantity as Kubernetes would give it back, in the notation in which it was written."""
    value, notation = _parse(text)
    return format_quantity(value, notation=notation)


def format_quantity(value: Decimal | int, *, notation: Notation = Notation.DECIMAL) -> str:
    """Write a number canonically: without fractions, with the largest suffix that keeps it exact.

    Raises QuantityError for a number that no quantity can hold.
    """
    exact = _bounded(Decimal(value))
    if notation is Notation.BINARY and abs(exact) >= _KIBI and exact == exact.to_integral_value():
        return _format_binary(int(exact))
    mantissa, exponent = int(exact.scaleb(9, _EXACT)), -9
    while mantissa and exponent < _LARGEST_EXPONENT and mantissa % 1000 == 0:
        mantissa, exponent = mantissa // 1000, exponent + 3
    if mantissa == 0:
        return "0"
    if notation is Notation.EXPONENT:
        return f"{mantissa}e{exponent}" if exponent else str(mantissa)
    suffix = next(suffix for suffix, power in _DECIMAL.items() if power == exponent)
    return f"{mantissa}{suffix}"


def quantity_bytes(text: str) -> int:
    """Return a quantity of memory in bytes, rounded up as the kubelet does."""
    return math.ceil(parse_quantity(text))


def _parse(text: str) -> tuple[Decimal, Notation]:
    match = _GRAMMAR.fullmatch(text)
    if match is None:
        raise QuantityError(_explanation(text))
    number, exponent, suffix = Decimal(match["number"]), match["exponent"], match["suffix"] or ""
    if exponent is not None:
        return _bounded(number.scaleb(int(exponent), _EXACT)), Notation.EXPONENT
    if suffix in _BINARY:
        return _bounded(_EXACT.multiply(number, Decimal(_KIBI ** _BINARY[suffix]))), Notation.BINARY
    return _bounded(number.scaleb(_DECIMAL[suffix], _EXACT)), Notation.DECIMAL


def _bounded(value: Decimal) -> Decimal:
    if not value.is_finite() or abs(value) > _LARGEST:
        raise QuantityError("A quantity is at most 2^63 - 1 (about 9.2E).")
    return value.quantize(_NANO, rounding=ROUND_UP, context=_EXACT)


def _format_binary(value: int) -> str:
    suffix = ""
    for candidate, power in _BINARY.items():
        if value % _KIBI**power == 0:
            suffix = candidate
    return f"{value // _KIBI ** _BINARY.get(suffix, 0)}{suffix}"


def _explanation(text: str) -> str:
    shown = repr(text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}...")
    unit = text.strip().lstrip("+-.0123456789").strip()
    if mend := _MENDS.get(unit):
        return f"{shown} is no quantity of Kubernetes; write {mend} instead of {unit}."
    return f"{shown} is no quantity of Kubernetes, such as 500m, 4, 0.5, 16Gi or 2e3."


def _canonical(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return value
    return canonical_quantity(value if isinstance(value, str) else repr(value))


def _not_negative(value: str) -> str:
    if value.startswith("-"):
        raise QuantityError(f"This must not be negative, as {value} is.")
    return value


def _positive(value: str) -> str:
    if _not_negative(value) == "0":
        raise QuantityError("This must be more than nothing.")
    return value


def _at_least_a_mebibyte(value: str) -> str:
    """Refuse an amount of bytes that nobody can mean, which most often lacks its unit."""
    if parse_quantity(_positive(value)) >= _LEAST_SIZE:
        return value
    number = value.rstrip("numkKi")
    unit = "Gi" if number == value else "Mi"
    meant = f"; did you mean {number}{unit}?" if number.isdecimal() and int(number) < _KIBI else "."
    raise QuantityError(f"{value} is less than 1Mi, and the unit may be missing{meant}")


_SCHEMA = WithJsonSchema({"type": ["string", "number"], "examples": ["500m", 4, "16Gi"]})

Quantity = Annotated[str, BeforeValidator(_canonical), AfterValidator(_not_negative), _SCHEMA]
"""A field that holds a quantity of at least nothing, as canonical text; a YAML number is taken too."""

PositiveQuantity = Annotated[str, BeforeValidator(_canonical), AfterValidator(_positive), _SCHEMA]
"""A field that holds a quantity of more than nothing, as canonical text; a YAML number is taken too."""

Size = Annotated[str, BeforeValidator(_canonical), AfterValidator(_at_least_a_mebibyte), _SCHEMA]
"""A field that holds an amount of memory or storage, of at least 1Mi."""
