"""What can go wrong between the cluster page and those it asks.

ClusterPageError
├── MeasurementError    Prometheus cannot be asked, or answers what cannot be understood
├── HubError            the hub cannot be asked
└── StopError           a server was not stopped
"""

from genkan_profiles.language.sentences import Sentence


class ClusterPageError(Exception):
    """Says what is the matter in a sentence for people, which holds nothing secret."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class MeasurementError(ClusterPageError):
    """Prometheus cannot be asked, or answers what cannot be understood."""


class HubError(ClusterPageError):
    """The hub cannot be asked, or answers what cannot be understood."""


class StopError(ClusterPageError):
    """A server was not stopped."""
