"""Questions to Prometheus' HTTP API.

https://prometheus.io/docs/prometheus/latest/querying/api/#instant-queries
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Literal, TypeAlias

import aiohttp
from pydantic import BaseModel, ConfigDict, Field

from genkan_profiles.language.sentences import say

from .exceptions import MeasurementError

WITHIN = 10.0
"""Seconds for one answer."""

LONGEST_ANSWER = 32 * 2**20
"""Bytes; 520 GPUs with four series each are about one megabyte."""

Labels: TypeAlias = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Sample:
    """One series at the moment of the question."""

    labels: Labels
    """With the metric's name as `__name__`, where the expression keeps it."""
    value: float


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True)

    metric: dict[str, str]
    value: tuple[float, str]


class _Vector(BaseModel):
    model_config = ConfigDict(frozen=True)

    result_type: Annotated[Literal["vector"], Field(alias="resultType")]
    result: list[_Row]


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True)

    status: Literal["success"]
    data: _Vector


class Prometheus:
    """One server, or whatever speaks its API, such as Thanos and Mimir."""

    def __init__(self, address: str, *, token_file: Path | None = None) -> None:
        """`token_file` has a bearer token, read again for each question since Kubernetes renews such files."""
        self.address = address.rstrip("/")
        self._token_file = token_file

    async def ask(self, expression: str) -> list[Sample]:
        """Return the value of each series of an instant query that is a number. Raises MeasurementError."""
        try:
            async with (
                aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=WITHIN), headers=self._headers()) as session,
                session.get(f"{self.address}/api/v1/query", params={"query": expression}) as response,
            ):
                if response.status != HTTPStatus.OK:
                    raise MeasurementError(
                        say(
                            "Prometheus at {address} answers with an error ({status}).",
                            address=self.address,
                            status=response.status,
                        )
                    )
                return _samples(await _body(response))
        except TimeoutError as e:
            raise MeasurementError(
                say(
                    "Prometheus at {address} did not answer within {seconds} seconds.",
                    address=self.address,
                    seconds=round(WITHIN),
                )
            ) from e
        except (aiohttp.ClientError, OSError) as e:
            raise MeasurementError(say("Prometheus at {address} does not answer.", address=self.address)) from e
        except ValueError as e:
            raise MeasurementError(
                say("Prometheus at {address} answers what cannot be understood.", address=self.address)
            ) from e

    def _headers(self) -> dict[str, str]:
        if self._token_file is None:
            return {}
        try:
            return {"Authorization": f"Bearer {self._token_file.read_text().strip()}"}
        except (OSError, UnicodeDecodeError) as e:
            raise MeasurementError(
                say("The token for Prometheus cannot be read from {path}.", path=str(self._token_file))
            ) from e


async def _body(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(2**16):
        body += chunk
        if len(body) > LONGEST_ANSWER:
            raise ValueError("longer than any true answer")
    return bytes(body)


def _samples(body: bytes) -> list[Sample]:
    """Read an answer; what is not a number at all tells nothing of its series. Raises ValueError."""
    answer = _Answer.model_validate_json(body)
    found = ((row.metric, _number(row.value[1])) for row in answer.data.result)
    return [Sample(labels, value) for labels, value in found if math.isfinite(value)]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
