"""Patterns: regular expressions of administrators that texts of users are held against.

They are matched by the engine that pydantic brings, whose time grows with the text and no faster: Python's own may need
longer than a life for a pattern such as `(a+)+b`, and the hub would stand still meanwhile.
"""

import functools
import re
import warnings
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import SchemaError, SchemaValidator, ValidationError, core_schema


def matches(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern from its first to its last character; it must be a checked one."""
    try:
        _matcher(pattern).validate_python(text)
    except ValidationError:
        return False
    return True


def _checked(pattern: str) -> str:
    """Take what means the same to both engines: Python's knows better to say what is wrong."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)
            re.compile(pattern)
    except FutureWarning as error:
        raise ValueError(
            "Write a backslash before [, -, & and ~ within brackets, where they mean a character."
        ) from error
    except re.error as error:
        message = f"This is no regular expression: {error.msg} at character {(error.pos or 0) + 1}."
        raise ValueError(message) from error
    except (RecursionError, OverflowError) as error:
        raise ValueError("This regular expression is too intricate.") from error
    try:
        _matcher(pattern)
    except SchemaError as error:
        sentence = "A pattern looks neither around nor back, and is not repeated thousands of times; write it simpler."
        raise ValueError(sentence) from error
    return pattern


@functools.lru_cache(maxsize=64)
def _matcher(pattern: str) -> SchemaValidator:
    schema = core_schema.str_schema(pattern=rf"\A(?:{pattern})\z", regex_engine="rust-regex", strict=True)
    return SchemaValidator(schema)


Pattern = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_checked)]
"""A regular expression without look-around and back references."""
