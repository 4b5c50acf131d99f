"""Annotations and labels by which the sandbox knows what is its own; users may set the first two themselves."""

MANAGED = "sandbox.genkan.dev/managed"
"""Annotation of a node that the node agent takes on."""

SIMULATE = "sandbox.genkan.dev/simulate"
"""Annotation of a pod that turns Running without a process."""

PART_OF_SITE = "sandbox.genkan.dev/part-of-site"
"""Label of what a site file brought, so that what it no longer names can be taken away."""

MANIFEST = "sandbox.genkan.dev/manifest"
"""Annotation of a site's node or pod: a hash of what the site said of it when it was last brought to that."""
