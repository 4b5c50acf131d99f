"""HomeSpawner: a ClusterSpawner that keeps in mind which homes its user has had, and gives none away."""

from typing import Any

from traitlets import Bool

from genkan_profiles import Homes

from .cluster_spawner import ClusterSpawner
from .homes.claims import goes_with_user
from .homes.had import HadHomes
from .kubespawner_seam import log_name, saved_states


class HomeSpawner(ClusterSpawner):
    """Knows what has been the home of its user, so that nobody finds an empty one without a word."""

    remake_homes = Bool(
        default_value=False,
        config=True,
        help="""
        Whether a home that a user has had, and that is not there any more, is made anew and empty.

        False, the default, refuses the start: the disk may not be mounted on the file server, a namespace may have
        been restored without its claims, or the user may have been renamed. To give a single user a new home, delete
        the user in the admin panel, which deletes no files: who is new to the hub gets one.
        """,
    )

    home_claim: str = ""
    """What a new claim for the user's home is called; empty where KubeSpawner's template says."""
    home_path: str = ""
    """The folder of the user's home in an export; empty where homes are claims."""
    had_homes = HadHomes()
    """What this server has had for a home."""

    @property
    def homes(self) -> Homes | None:
        """How homes are kept; None where the hub's configuration says."""
        return None

    @property
    def all_had_homes(self) -> HadHomes:
        """What all servers of the user have had for homes."""
        return HadHomes.of([*saved_states(self), self.had_homes.to_state()])

    def get_state(self) -> dict[str, Any]:
        """Keep which homes there have been beside what else is kept."""
        state: dict[str, Any] = super().get_state()
        return state | self.had_homes.to_state()

    def load_state(self, state: dict[str, Any]) -> None:
        """Take up what was kept."""
        super().load_state(state)
        self.had_homes = HadHomes.of([state])

    async def delete_forever(self) -> None:
        """Delete the claim of a home where the hub is set up to (`delete_pvc`), and then only its user's own.

        A home goes with its user and not with a named server, and a claim may have the name of another user's.
        """
        if self.delete_pvc and not await goes_with_user(self, self.view.api):
            self.log.info("The claim %s/%s is not deleted with %s.", self.namespace, self.pvc_name, log_name(self))
            return
        await super().delete_forever()

    async def _start(self) -> str:
        url = await super()._start()
        if self.home_path:
            self.had_homes = self.had_homes.with_folder(self.home_path)
        elif self.storage_pvc_ensure:
            self.had_homes = self.had_homes.with_claim(self.pvc_name, namespace=self.namespace)
        return url
