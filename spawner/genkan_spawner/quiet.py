"""Refusals in the log: they are told in one line, and are no faults of which anybody wants the traceback.

Nor are links to the form, of which nothing is told at all.
"""

import logging

from .origins import LinkFollowedError
from .refusals import Refusal


def _is_told(record: logging.LogRecord) -> bool:
    """Leave out what JupyterHub logs of a refusal with its traceback; it has been told in a line of its own."""
    return not (record.exc_info and isinstance(record.exc_info[1], Refusal | LinkFollowedError))


def without_tracebacks(log: logging.Logger) -> None:
    """Keep tracebacks of refusals out of a log; JupyterHub writes one of each form that was refused."""
    log.addFilter(_is_told)
