"""Pipelines as text: YAML that people can read, with the same bytes each time."""

import re
from collections.abc import Mapping
from typing import Any

import yaml

_WIDTH = 120


class _Dumper(yaml.SafeDumper):
    """Scripts stand as they are, lists are indented, and nothing is an anchor."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002  # PyYAML's signature
        super().increase_indent(flow, False)  # noqa: FBT003  # the same

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # the same
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def yaml_text(data: Mapping[str, Any], *, comment: str, comments: Mapping[str, str] | None = None) -> str:
    """Write data below a comment; `comments` stand behind the actions and workflows that are used."""
    text = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)
    for name, words in (comments or {}).items():
        text = re.sub(rf"uses: {re.escape(name)}$", rf"\g<0>  # {words}", text, flags=re.MULTILINE)
    heading = "".join(f"# {line}\n" if line else "#\n" for line in comment.splitlines())
    return f"{heading}---\n{text}"
