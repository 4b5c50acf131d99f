import time

import pytest
from pydantic import TypeAdapter, ValidationError

from genkan_profiles.patterns import Pattern, matches

CHECKED: TypeAdapter[str] = TypeAdapter(Pattern)
NASTY = [
    r"(a+)+b",
    r"(a|a)*b",
    r"(a|aa)+$b",
    r"(.*)*:.*x",
    r"a?" * 100 + "a" * 100,
    r"(\w+\s?)+!",
    r".{1,1000}.{1,1000}b",
]


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("a", "a", True),
        ("a", "ab", False),
        ("a", "ba", False),
        ("a", "a\n", False),
        ("a|ab", "ab", True),
        ("^a$", "a", True),
        (r"registry\.example\.org/([a-z]+/)*[a-z]+:.+", "registry.example.org/a/b/c:1", True),
        (r"registry\.example\.org/([a-z]+/)*[a-z]+:.+", "registry.example.org.evil.example/c:1", False),
        ("(?i:A)b", "ab", True),
    ],
)
def test_the_whole_text_must_match(pattern: str, text: str, expected: bool) -> None:
    assert CHECKED.validate_python(pattern) == pattern
    assert matches(pattern, text) is expected


@pytest.mark.parametrize("pattern", NASTY)
def test_no_pattern_makes_a_users_text_take_long(pattern: str) -> None:
    CHECKED.validate_python(pattern)
    began = time.thread_time()

    for text in ("a" * 512, "a" * 511 + "!", "aé" * 256, "a/" * 256):
        matches(pattern, text)

    assert time.thread_time() - began < 1


@pytest.mark.parametrize(
    ("pattern", "sentence"),
    [
        ("(", "This is no regular expression: missing ), unterminated subpattern at character 1."),
        ("a)|(b", "This is no regular expression: unbalanced parenthesis at character 2."),
        ("(" * 500, "This regular expression is too intricate."),
        ("a{99999999999999999999}", "This regular expression is too intricate."),
        ("(?<=a)b", "A pattern looks neither around nor back, "),
        (r"(a)\1", "A pattern looks neither around nor back, "),
        ("((a{999}){999}){999}", "A pattern looks neither around nor back, "),
        ("[[a]&&b]", "Write a backslash before [, -, & and ~ within brackets"),
        ("(?x)a # b", "A pattern looks neither around nor back, "),
    ],
)
def test_what_is_no_simple_pattern_is_refused_in_time(pattern: str, sentence: str) -> None:
    began = time.thread_time()

    with pytest.raises(ValidationError) as refused:
        CHECKED.validate_python(pattern)

    assert refused.value.errors()[0]["msg"].startswith(f"Value error, {sentence}")
    assert time.thread_time() - began < 1
