"""The words of a hub's pages that tell why a start failed."""

import re
from html import unescape

_SHORT = 400
"""Characters of a reason that are kept."""

_ON_OUR_PAGES = re.compile(r'<div class="[^"]*\bgenkan-refusal\b[^"]*"[^>]*>(.*?)</div>', re.DOTALL)
_ON_THE_FORM = re.compile(r'<p class="spawn-error-msg[^"]*">(.*?)</p>', re.DOTALL)
_ON_THE_WAITING_PAGE = re.compile(r"has failed\.(.*?)Would you like", re.DOTALL)
_ON_AN_ERROR_PAGE = re.compile(r'<div class="error">(.*?)</div>', re.DOTALL)


def failure_on(page: str) -> str:
    """Return the reason that a page gives in its own words, or an empty text if it gives none."""
    for pattern in (_ON_OUR_PAGES, _ON_THE_FORM, _ON_THE_WAITING_PAGE, _ON_AN_ERROR_PAGE):
        if found := pattern.search(page):
            return _words(found[1])
    return ""


def _words(markup: str) -> str:
    text = unescape(re.sub(r"<[^>]+>", " ", markup))
    return re.sub(r"\s+", " ", text).strip()[:_SHORT]
