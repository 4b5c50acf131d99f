import pytest

from genkan_profiles.language.negotiation import preferred


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, "en"),
        ("", "en"),
        ("ja", "ja"),
        ("ja-JP", "ja"),
        ("JA-jp", "ja"),
        ("en-GB,en;q=0.9,ja;q=0.8", "en"),
        ("ja,en-US;q=0.7,en;q=0.3", "ja"),
        ("en;q=0.5, ja;q=0.9", "ja"),
        ("de, ja;q=0.5", "ja"),
        ("de, fr", "en"),
        ("de, *;q=0.1", "en"),
        ("ja;q=0, en", "en"),
        ("ja;q=0", "en"),
        ("ja;q=", "ja"),
        ("ja;q=nonsense, en", "en"),
        ("ja;q=nan", "en"),
        (";;;,,,=", "en"),
        ("<script>", "en"),
        ("javanese", "en"),
        ("x" * 100_000, "en"),
    ],
)
def test_the_language_is_the_one_that_a_browser_asks_for(header: str | None, code: str) -> None:
    assert preferred(header).code == code
