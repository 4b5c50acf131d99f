"""Where the kinds of the cluster's view are served."""

from genkan_spawner import kinds

NODES = kinds.NODES.path()
PODS = kinds.PODS.path()
QUOTAS = kinds.QUOTAS.path()
CLASSES = kinds.PRIORITY_CLASSES.path()
RANGES = kinds.LIMIT_RANGES.path()
CLAIMS = kinds.CLAIMS.path()
STORAGE = (CLAIMS, kinds.STORAGE_CLASSES.path(), kinds.VOLUMES.path(), kinds.CSI_DRIVERS.path())
ALL = (NODES, PODS, QUOTAS, CLASSES, RANGES, *STORAGE)


def pods_of(namespace: str) -> str:
    return kinds.PODS.path(namespace=namespace)


def quotas_of(namespace: str) -> str:
    return kinds.QUOTAS.path(namespace=namespace)
