"""Values of a configuration that is still being written; traitlets has stand-ins for those that are only added to."""

from typing import Any


def listed(section: Any, name: str) -> list[Any]:
    """Return a list as far as it is set."""
    value = section.get(name, [])
    return list(value if isinstance(value, list) else value.get_value([]))


def mapped(section: Any, name: str) -> dict[str, Any]:
    """Return a mapping as far as it is set."""
    value = section.get(name, {})
    return dict(value if isinstance(value, dict) else value.get_value({}))


def gathered(section: Any, name: str) -> set[Any]:
    """Return a set as far as it is set; YAML has lists for sets."""
    value = section.get(name, ())
    return set(value if isinstance(value, list | set | tuple) else value.get_value(set()))
