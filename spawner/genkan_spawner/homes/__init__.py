"""Homes as the catalogue has them: onto the pod, with the right owner, and the same ones for ever."""
