"""The catalogue: what a site offers, and how it becomes KubeSpawner's profile list."""

from .catalogue import BUILT_IN, SAMPLE, Catalogue, load_catalogue
from .choices import check_choice, chosen_conditions, chosen_names, chosen_overrides, preselected, remembered
from .compiler import ProfileList, compile_profiles
from .exceptions import ChoiceError, DocumentError, HomeError, Problem, ProfilesError, QuantityError
from .fill import Fill
from .hardware import Gpu, Hardware, WhenFull
from .home_names import Home, home_of
from .homes import HOME, AccessMode, FolderNames, Homes, HomesKind, Ownership
from .images import Image, OwnImage
from .offers import HardwareOffer, LeftOut, Offers, Section, offers_for
from .teams import Priority, Team
from .volumes import Volume

__version__ = "0.1.0"

__all__ = [
    "BUILT_IN",
    "HOME",
    "SAMPLE",
    "AccessMode",
    "Catalogue",
    "ChoiceError",
    "DocumentError",
    "Fill",
    "FolderNames",
    "Gpu",
    "Hardware",
    "HardwareOffer",
    "Home",
    "HomeError",
    "Homes",
    "HomesKind",
    "Image",
    "LeftOut",
    "Offers",
    "OwnImage",
    "Ownership",
    "Priority",
    "Problem",
    "ProfileList",
    "ProfilesError",
    "QuantityError",
    "Section",
    "Team",
    "Volume",
    "WhenFull",
    "__version__",
    "check_choice",
    "chosen_conditions",
    "chosen_names",
    "chosen_overrides",
    "compile_profiles",
    "home_of",
    "load_catalogue",
    "offers_for",
    "preselected",
    "remembered",
]
