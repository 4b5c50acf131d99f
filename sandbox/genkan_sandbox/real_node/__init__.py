"""A real node: kubelet, containerd and runc on a machine of their own, with devices that have names and no more."""
