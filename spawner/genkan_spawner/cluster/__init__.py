"""The live view of the cluster: what Genkan knows of nodes, pods, quotas and priority classes, and how old that is."""
