"""The kinds of Kubernetes objects that Genkan reads or writes, and where the API serves them."""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of object and its place in the API.

    https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris
    """

    name: str
    """As in a manifest's `kind`."""

    plural: str
    """As in the path of a request."""

    api_version: str = "v1"
    """As in a manifest's `apiVersion`."""

    namespaced: bool = True
    """Whether objects live in a namespace."""

    def path(self, *, namespace: str | None = None, name: str | None = None, subresource: str | None = None) -> str:
        """Return the request path of one object, or of a list where no name is given.

        A namespaced kind without a namespace means all namespaces.
        """
        root = "/api/v1" if self.api_version == "v1" else f"/apis/{self.api_version}"
        parts = [root]
        if self.namespaced and namespace is not None:
            parts += ["namespaces", quote(namespace, safe="")]
        parts.append(self.plural)
        parts += [quote(part, safe="") for part in (name, subresource) if part is not None]
        return "/".join(parts)


CLAIMS = Kind("PersistentVolumeClaim", "persistentvolumeclaims")
CLUSTER_ROLES = Kind("ClusterRole", "clusterroles", "rbac.authorization.k8s.io/v1", namespaced=False)
CLUSTER_ROLE_BINDINGS = Kind(
    "ClusterRoleBinding", "clusterrolebindings", "rbac.authorization.k8s.io/v1", namespaced=False
)
CONFIG_MAPS = Kind("ConfigMap", "configmaps")
CRON_JOBS = Kind("CronJob", "cronjobs", "batch/v1")
CSI_DRIVERS = Kind("CSIDriver", "csidrivers", "storage.k8s.io/v1", namespaced=False)
DAEMON_SETS = Kind("DaemonSet", "daemonsets", "apps/v1")
DISRUPTION_BUDGETS = Kind("PodDisruptionBudget", "poddisruptionbudgets", "policy/v1")
EVENTS = Kind("Event", "events")
LEASES = Kind("Lease", "leases", "coordination.k8s.io/v1")
LIMIT_RANGES = Kind("LimitRange", "limitranges")
NAMESPACES = Kind("Namespace", "namespaces", namespaced=False)
NETWORK_POLICIES = Kind("NetworkPolicy", "networkpolicies", "networking.k8s.io/v1")
NODES = Kind("Node", "nodes", namespaced=False)
PODS = Kind("Pod", "pods")
PRIORITY_CLASSES = Kind("PriorityClass", "priorityclasses", "scheduling.k8s.io/v1", namespaced=False)
QUOTAS = Kind("ResourceQuota", "resourcequotas")
ROLES = Kind("Role", "roles", "rbac.authorization.k8s.io/v1")
ROLE_BINDINGS = Kind("RoleBinding", "rolebindings", "rbac.authorization.k8s.io/v1")
SECRETS = Kind("Secret", "secrets")
SERVICES = Kind("Service", "services")
SERVICE_ACCOUNTS = Kind("ServiceAccount", "serviceaccounts")
STORAGE_CLASSES = Kind("StorageClass", "storageclasses", "storage.k8s.io/v1", namespaced=False)
VOLUMES = Kind("PersistentVolume", "persistentvolumes", namespaced=False)
VOLUME_ATTACHMENTS = Kind("VolumeAttachment", "volumeattachments", "storage.k8s.io/v1", namespaced=False)

KINDS = {
    kind.name: kind
    for kind in (
        CLAIMS,
        CLUSTER_ROLES,
        CLUSTER_ROLE_BINDINGS,
        CONFIG_MAPS,
        CRON_JOBS,
        CSI_DRIVERS,
        DAEMON_SETS,
        DISRUPTION_BUDGETS,
        EVENTS,
        LEASES,
        LIMIT_RANGES,
        NAMESPACES,
        NETWORK_POLICIES,
        NODES,
        PODS,
        PRIORITY_CLASSES,
        QUOTAS,
        ROLES,
        ROLE_BINDINGS,
        SECRETS,
        SERVICES,
        SERVICE_ACCOUNTS,
        STORAGE_CLASSES,
        VOLUMES,
        VOLUME_ATTACHMENTS,
    )
}
"""By the name that manifests carry."""
