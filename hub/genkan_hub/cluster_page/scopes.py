"""The scopes of JupyterHub that the page goes by.

https://jupyterhub.readthedocs.io/en/stable/rbac/scopes.html
"""

SEE = "read:servers"
"""Whoever may read a server sees it on the page with all that is known of it."""

STOP = "delete:servers"
METRICS = "read:metrics"
