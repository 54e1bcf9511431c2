"""Settings of the rate limit service."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from trustmesh_chassis.settings import ServiceSettings
from trustmesh_ratelimit.rates import parse_rates

DEFAULT: Mapping[str, Mapping[str, str]] = {
    "READ": {"principal": "60000/minute", "organisation": "300000/minute", "address": "120000/minute"},
    "WRITE": {"principal": "12000/minute", "organisation": "60000/minute", "address": "24000/minute"},
    "CRYPTO": {"principal": "60000/minute", "organisation": "300000/minute", "address": "120000/minute"},
    "AUTHENTICATION": {"principal": "600/minute", "organisation": "3000/minute", "address": "600/minute"},
    "EXPENSIVE": {"principal": "600/minute", "organisation": "3000/minute", "address": "1200/minute"},
}


class RateLimitSettings(ServiceSettings):
    """`classes` and `redis_url` beside what every service has."""

    port_offset: ClassVar[int] = 681

    classes: Mapping[str, Mapping[str, str]] = Field(
        default=DEFAULT, description="limits by class and by whose calls count together"
    )
    redis_url: SecretStr = Field(
        default=SecretStr(""), description="redis://, rediss:// or unix:// URL; empty: counted in memory"
    )
    memory_buckets: int = Field(default=200_000, ge=100, description="most buckets counted in memory; the least used go first")

    @field_validator("classes")
    @classmethod
    def _are_rates(cls, classes: Mapping[str, Mapping[str, str]]) -> Mapping[str, Mapping[str, str]]:
        parse_rates(classes)
        return classes

    @field_validator("redis_url")
    @classmethod
    def _is_redis(cls, url: SecretStr) -> SecretStr:
        text = url.get_secret_value()
        if text and not text.startswith(("redis://", "rediss://", "unix://")):
            raise ValueError("must begin with redis://, rediss:// or unix://")
        return url
