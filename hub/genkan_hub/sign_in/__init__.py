"""Sign-in: who people are, and which groups they are in, as a provider tells it."""

from .calls import Provider, sign_in_with

__all__ = ["Provider", "sign_in_with"]
