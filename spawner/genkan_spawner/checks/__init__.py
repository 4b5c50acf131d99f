"""Preflight: pure functions that say whether Kubernetes would accept and place a pod now."""
