"""The versions that the sandbox runs; go.mod and package.json pin the same ones, and a test holds them together."""

KUBERNETES_VERSION = "1.36.3"
"""Of kube-apiserver, kube-controller-manager and kube-scheduler, and of the kubelet of real nodes."""

ETCD_VERSION = "3.6.16"
"""Any other patch release of the same series on PATH will do."""

PROXY_VERSION = "5.3.0"
"""Of configurable-http-proxy; any other patch release of the same series on PATH will do."""

HELM_VERSION = "4.3.1"
"""Any other patch release of the same series on PATH will do."""

OLDEST_NODE = (20, 0, 0)
"""What configurable-http-proxy asks of Node."""
