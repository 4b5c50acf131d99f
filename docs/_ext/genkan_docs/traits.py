"""Which traits the reference shows."""

from sphinx.application import Sphinx
from traitlets import TraitType


def skip_inherited_trait(
    _app: Sphinx, _kind: str, _name: str, member: object, _skip: object, _options: object
) -> bool | None:
    """Leave out what a class only inherits: KubeSpawner and JupyterHub document their own traits."""
    if isinstance(member, TraitType) and not member.this_class.__module__.startswith("genkan_"):
        return True
    return None
