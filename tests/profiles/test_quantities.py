import contextlib
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from genkan_profiles.exceptions import QuantityError
from genkan_profiles.quantities import (
    Notation,
    PositiveQuantity,
    Quantity,
    Size,
    canonical_quantity,
    format_quantity,
    parse_quantity,
    quantity_bytes,
)

SIZE: TypeAdapter[str] = TypeAdapter(Size)


class Row(BaseModel):
    amount: Quantity = "0"
    size: PositiveQuantity = "1"


@pytest.mark.parametrize(
    ("text", "value", "canonical"),
    [
        ("0", "0", "0"),
        ("-0", "0", "0"),
        ("4", "4", "4"),
        ("+5", "5", "5"),
        ("1.", "1", "1"),
        (".5", "0.5", "500m"),
        ("1000m", "1", "1"),
        ("1500m", "1.5", "1500m"),
        ("100n", "0.0000001", "100n"),
        ("1000u", "0.001", "1m"),
        ("1E", "1000000000000000000", "1E"),
        ("1E3", "1000", "1e3"),
        ("12e4", "120000", "120e3"),
        ("1024e0", "1024", "1024"),
        ("2e-3", "0.002", "2e-3"),
        ("1000k", "1000000", "1M"),
        ("1024", "1024", "1024"),
        ("1Ki", "1024", "1Ki"),
        ("0.5Ki", "512", "512"),
        ("1.5Gi", "1610612736", "1536Mi"),
        ("1024Mi", "1073741824", "1Gi"),
        ("1025Ki", "1049600", "1025Ki"),
        ("1.0001Ki", "1024.1024", "1024102400u"),
        ("0.0000000001", "0.000000001", "1n"),
        ("-1.5Gi", "-1610612736", "-1536Mi"),
        ("7.5Ei", "8646911284551352320", "7680Pi"),
    ],
)
def test_numbers_and_canonical_text_are_those_of_kubernetes(text: str, value: str, canonical: str) -> None:
    """Expected values come from resource.Quantity of k8s.io/apimachinery."""
    assert parse_quantity(text) == Decimal(value)
    assert canonical_quantity(text) == canonical


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "'' is no quantity of Kubernetes, such as 500m, 4, 0.5, 16Gi or 2e3."),
        ("four", "'four' is no quantity of Kubernetes, such as 500m, 4, 0.5, 16Gi or 2e3."),
        ("16GB", "'16GB' is no quantity of Kubernetes; write G or Gi instead of GB."),
        ("16 GiB", "'16 GiB' is no quantity of Kubernetes; write Gi instead of GiB."),
        ("1K", "'1K' is no quantity of Kubernetes; write k or Ki instead of K."),
        ("1 Gi", "'1 Gi' is no quantity of Kubernetes, such as 500m, 4, 0.5, 16Gi or 2e3."),
        ("1e3Gi", "'1e3Gi' is no quantity of Kubernetes, such as 500m, 4, 0.5, 16Gi or 2e3."),
        ("x" * 99, f"'{'x' * 40}...' is no quantity of Kubernetes, such as 500m, 4, 0.5, 16Gi or 2e3."),
        ("8Ei", "A quantity is at most 2^63 - 1 (about 9.2E)."),
        ("1e999", "A quantity is at most 2^63 - 1 (about 9.2E)."),
        ("-9.3E", "A quantity is at most 2^63 - 1 (about 9.2E)."),
    ],
)
def test_what_is_no_quantity_is_refused_in_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(QuantityError) as refused:
        parse_quantity(text)

    assert str(refused.value) == sentence


@given(
    st.decimals(min_value=-(2**62), max_value=2**62, places=9),
    st.sampled_from(Notation),
)
def test_what_is_written_is_read_back(value: Decimal, notation: Notation) -> None:
    text = format_quantity(value, notation=notation)

    assert parse_quantity(text) == value
    assert "." not in text


@given(st.from_regex(r"[+-]?[0-9]{1,6}(\.[0-9]{1,6})?([KMGT]i|[numkMGT]|e[0-9])?", fullmatch=True))
def test_canonical_text_is_canonical_and_the_same_number(text: str) -> None:
    canonical = canonical_quantity(text)

    assert canonical_quantity(canonical) == canonical
    assert abs(parse_quantity(canonical) - parse_quantity(text)) == 0


@given(st.text(max_size=12))
def test_any_text_is_a_quantity_or_refused(text: str) -> None:
    with contextlib.suppress(QuantityError):
        assert parse_quantity(text).is_finite()


def test_memory_in_bytes_is_rounded_up() -> None:
    assert quantity_bytes("16Gi") == 16 * 2**30
    assert quantity_bytes("1500m") == 2


@pytest.mark.parametrize(("given", "kept"), [("1024Mi", "1Gi"), (4, "4"), (0.5, "500m"), (1e3, "1k"), ("0", "0")])
def test_a_field_keeps_canonical_text(given: Any, kept: str) -> None:
    assert Row(amount=given).amount == kept


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"amount": "-1"}, "This must not be negative, as -1 is."),
        ({"size": "-1"}, "This must not be negative, as -1 is."),
        ({"size": 0}, "This must be more than nothing."),
        ({"amount": "lots"}, "'lots' is no quantity of Kubernetes"),
        ({"amount": True}, "valid string"),
        ({"amount": [1]}, "valid string"),
    ],
)
def test_a_field_refuses_what_is_no_amount(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence.replace("(", r"\(")):
        Row(**fields)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (10, "10 is less than 1Mi, and the unit may be missing; did you mean 10Gi?"),
        ("512", "512 is less than 1Mi, and the unit may be missing; did you mean 512Gi?"),
        ("512m", "512m is less than 1Mi, and the unit may be missing; did you mean 512Mi?"),
        ("64Ki", "64Ki is less than 1Mi, and the unit may be missing; did you mean 64Mi?"),
        ("4096", "4096 is less than 1Mi, and the unit may be missing."),
        ("2e3", "2e3 is less than 1Mi, and the unit may be missing."),
        ("0Gi", "This must be more than nothing."),
        ("-1Gi", "This must not be negative, as -1Gi is."),
    ],
)
def test_a_size_without_its_unit_is_refused_with_the_likely_one(value: object, sentence: str) -> None:
    with pytest.raises(ValidationError) as refused:
        SIZE.validate_python(value)

    assert sentence in str(refused.value)


@pytest.mark.parametrize("value", ["1Mi", "1048576", "10Gi", "1.5Gi", "2M", "1e9"])
def test_a_size_that_somebody_can_mean_is_taken(value: str) -> None:
    assert parse_quantity(SIZE.validate_python(value)) == parse_quantity(value)
