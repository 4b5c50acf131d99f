"""Prepare Keycloak for the tests; a machine that cannot run it hears why, and the tests are skipped."""

import sys

from .distribution import MissingError, prepare

try:
    prepare()
except MissingError as e:
    sys.exit(f"Without Keycloak: {e}")
