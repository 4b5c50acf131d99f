"""What a site says of Genkan in the values of the chart: the section `custom.genkan`, the only free one."""

import difflib
from collections.abc import Iterator
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from genkan_hub.theme import SITE_NAME

from .exceptions import ChartError

SECTION = "custom.genkan"

CATALOGUE = "/etc/genkan/catalogue"
"""Where helm-values/base.yaml mounts the ConfigMap of the chart genkan-platform."""


class ChartSettings(BaseModel):
    """The section `custom.genkan` of the chart's values."""

    model_config = ConfigDict(alias_generator=to_camel, extra="forbid", frozen=True, strict=True)

    catalogue: str = CATALOGUE
    """Where the hub finds the catalogue: a file, or a directory of files."""
    site_name: str = SITE_NAME
    """What stands at the top of each page and in its title."""
    logo_file: str = ""
    """An image of the hub's for the top left; empty for Genkan's mark."""
    notice: str = ""
    """A sentence that stands on all pages, such as when the cluster will be out of service."""

    @classmethod
    def read(cls, values: Any) -> Self:
        """Read the section. Raises ChartError with everything that is wrong in it."""
        try:
            return cls.model_validate(values or {})
        except ValidationError as e:
            raise ChartError("\n".join(cls._problems(e))) from e

    @classmethod
    def _problems(cls, error: ValidationError) -> Iterator[str]:
        names = [field.alias or name for name, field in cls.model_fields.items()]
        for one in error.errors():
            place = ".".join([SECTION, *map(str, one["loc"])])
            if one["type"] == "extra_forbidden":
                near = difflib.get_close_matches(str(one["loc"][0]), names, n=1)
                hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(names)}."
                yield f"{place}: There is no such setting. {hint}"
            else:
                yield f"{place}: This must be text, and is {one['input']!r}."
