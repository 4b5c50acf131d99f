"""The cluster page: who holds which GPU, since when, and whether it computes; a service of JupyterHub."""
