"""A real Kubernetes control plane as processes of one user."""
