"""Annotations and labels by which the sandbox knows what is its own; users may set all but the last two themselves."""

MANAGED = "sandbox.genkan.dev/managed"
"""Annotation of a node that the node agent takes on."""

SIMULATE = "sandbox.genkan.dev/simulate"
"""Annotation of a pod that turns Running without a process."""

GPU_UTILISATION = "sandbox.genkan.dev/gpu-utilisation"
"""Annotation of a pod: the percent of the time in which its GPUs compute, for the exporter; without it they do not."""

GPU_MEMORY = "sandbox.genkan.dev/gpu-memory"
"""Annotation of a pod: how much memory it uses of each of its GPUs, such as 12Gi."""

PART_OF_SITE = "sandbox.genkan.dev/part-of-site"
"""Label of what a site file brought, so that what it no longer names can be taken away."""

MANIFEST = "sandbox.genkan.dev/manifest"
"""Annotation of a site's node or pod: a hash of what the site said of it when it was last brought to that."""
