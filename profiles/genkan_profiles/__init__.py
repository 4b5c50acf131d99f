"""The catalogue: what a site offers, and how it becomes KubeSpawner's profile list."""

from .catalogue import BUILT_IN, Catalogue, Gpu, Hardware, Image, load_catalogue
from .choices import check_choice, preselected
from .compiler import ProfileList, compile_profiles
from .exceptions import ChoiceError, DocumentError, Problem, ProfilesError, QuantityError

__version__ = "0.1.0"

__all__ = [
    "BUILT_IN",
    "Catalogue",
    "ChoiceError",
    "DocumentError",
    "Gpu",
    "Hardware",
    "Image",
    "Problem",
    "ProfileList",
    "ProfilesError",
    "QuantityError",
    "__version__",
    "check_choice",
    "compile_profiles",
    "load_catalogue",
    "preselected",
]
