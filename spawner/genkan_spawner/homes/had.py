"""The homes that a user has had: one that is gone is not made anew without a word, for it would be empty."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from genkan_profiles.language.sentences import Sentence, say
from genkan_spawner.api import JsonObject

STATE = "genkan_homes"
"""Key in the state of a server that JupyterHub keeps, for as long as it knows the user."""

_FOLDER, _CLAIMS = "folder", "claims"


@dataclass(frozen=True, slots=True)
class HadHomes:
    """What servers of one user have had for a home while they ran."""

    folder: str = ""
    """The folder in the export; empty where there was none."""
    claims: Mapping[str, str] = field(default_factory=dict)
    """The claims, by their namespaces."""

    @classmethod
    def of(cls, states: Iterable[Any]) -> Self:
        """Read what was kept of each of a user's servers; what is not understood is passed over."""
        folder, claims = "", dict[str, str]()
        for state in states:
            kept = state.get(STATE) if isinstance(state, Mapping) else None
            if isinstance(kept, Mapping):
                folder = str(kept.get(_FOLDER) or folder)
                named = kept.get(_CLAIMS)
                claims |= {str(key): str(name) for key, name in named.items()} if isinstance(named, Mapping) else {}
        return cls(folder, claims)

    @property
    def any(self) -> bool:
        """Whether there has been one, of whatever kind."""
        return bool(self.folder or self.claims)

    def before_claim(self, namespace: str) -> Sentence | None:
        """Return what a claim in a namespace would take the place of; None if it would be the first home there."""
        if namespace in self.claims:
            name = self.claims[namespace]
            return say("Your home was the storage {name}, and is not there now; a new one would be empty.", name=name)
        if self.folder:
            name = self.folder
            return say("Your home was the folder {name}, and is not there now; a new one would be empty.", name=name)
        return None

    def to_state(self) -> JsonObject:
        """Return what is to be kept."""
        return {STATE: {_FOLDER: self.folder, _CLAIMS: dict(self.claims)}} if self.any else {}

    def with_folder(self, path: str) -> Self:
        """Return these and a folder."""
        return replace(self, folder=path)

    def with_claim(self, name: str, *, namespace: str) -> Self:
        """Return these and a claim."""
        return replace(self, claims={**self.claims, namespace: name})
