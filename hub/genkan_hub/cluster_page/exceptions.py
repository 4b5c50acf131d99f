"""What can go wrong between the cluster page and those it asks.

ClusterPageError
├── MeasurementError    Prometheus cannot be asked, or answers what cannot be understood
├── HubError            the hub cannot be asked
└── StopError           a server was not stopped
"""


class ClusterPageError(Exception):
    """The message is a sentence for people, and holds nothing secret."""


class MeasurementError(ClusterPageError):
    """Prometheus cannot be asked, or answers what cannot be understood."""


class HubError(ClusterPageError):
    """The hub cannot be asked, or answers what cannot be understood."""


class StopError(ClusterPageError):
    """A server was not stopped."""
