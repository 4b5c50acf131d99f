"""What a cluster has to have for the hub: rights, namespaces, classes, shares."""
