"""A real Keycloak on loopback, with the realm that the documentation has for trying."""

from .distribution import REALM_FILE, MissingError, prepared
from .server import PASSWORD, Keycloak, running

__all__ = ["PASSWORD", "REALM_FILE", "Keycloak", "MissingError", "prepared", "running"]
