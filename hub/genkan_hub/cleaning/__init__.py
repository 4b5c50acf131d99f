"""Pods that have ended and that nobody else takes away."""
