"""Warnings about single objects, each written once however often the object comes by."""

import logging
from functools import lru_cache

log = logging.getLogger(__name__)


@lru_cache(maxsize=1024)
def tell_once(sentence: str) -> None:
    """Write a warning to the log, unless it was written before."""
    log.warning("%s", sentence)
