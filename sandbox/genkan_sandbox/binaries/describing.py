"""Tell people and programs which binaries a sandbox uses."""

from collections.abc import Sequence

from genkan_sandbox.binaries.components import Provenance, Source

_WORDS = {
    Source.PATH: "on PATH",
    Source.CACHE: "in the cache",
    Source.DOWNLOAD: "downloaded",
    Source.BUILD: "built",
    Source.NPM: "installed with npm",
}


def describe(programs: Sequence[Provenance]) -> tuple[str, ...]:
    """Describe the programs in aligned lines: name, version, where from, command."""
    rows = [(one.name, one.version, _origin(one), " ".join(one.command)) for one in programs]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return tuple(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]) for row in rows
    )


def to_json(programs: Sequence[Provenance]) -> dict[str, dict[str, object]]:
    """Describe the programs by name, in JSON's own types."""
    return {
        one.name: {
            "version": one.version,
            "command": list(one.command),
            "source": one.source.value,
            "made_by": one.made_by.value if one.made_by else None,
        }
        for one in programs
    }


def _origin(one: Provenance) -> str:
    origin = _WORDS[one.source]
    return origin if one.made_by is None else f"{origin} ({_WORDS[one.made_by]})"
