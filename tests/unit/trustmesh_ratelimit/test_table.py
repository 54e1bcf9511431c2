import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from trustmesh_chassis.settings import SettingsError, load_settings
from trustmesh_contract.contract import RateClass
from trustmesh_ratelimit.rates import CountedBy, Rate, RatesError, parse_rates
from trustmesh_ratelimit.settings import RateLimitSettings
from trustmesh_ratelimit.table import KEY, Table, follow

READ, WRITE = (RateClass.READ, CountedBy.PRINCIPAL), (RateClass.WRITE, CountedBy.PRINCIPAL)
SETTINGS = parse_rates({"READ": {"principal": "1/second"}, "WRITE": {"principal": "2/second"}})


def test_configuration_goes_over_the_settings() -> None:
    table = Table(SETTINGS)
    table.use({"READ": {"principal": "9/second"}})
    assert table.rates == {READ: Rate(9, 1), WRITE: Rate(2, 1)}
    with pytest.raises(RatesError):
        table.use({"READ": {"principal": "many"}})
    assert table.rates[READ] == Rate(9, 1)
    table.use(None)
    assert table.rates == SETTINGS


class Values:
    """Configuration that is set by the test."""

    def __init__(self) -> None:
        self.states: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def watch(self, prefix: str) -> AsyncIterator[dict[str, Any]]:
        while True:
            state = await self.states.get()
            yield {key: value for key, value in state.items() if key.startswith(prefix)}
            self.states.task_done()


async def test_follow_keeps_what_was_in_force_when_the_new_is_unusable() -> None:
    table, values = Table(SETTINGS), Values()
    task = asyncio.create_task(follow(table, values))
    for state, rate in (
        ({}, Rate(1, 1)),
        ({KEY: {"READ": {"principal": "9/second"}}}, Rate(9, 1)),
        ({KEY: "nonsense"}, Rate(9, 1)),
        ({KEY: {"READ": {"principal": "5/minute"}}}, Rate(5, 60)),
        ({}, Rate(1, 1)),
    ):
        values.states.put_nowait(state)
        await values.states.join()
        assert table.rates[READ] == rate
    task.cancel()


def test_settings_have_limits_for_every_class_and_caller(tmp_path: Path) -> None:
    settings = load_settings(RateLimitSettings, "ratelimit", tmp_path, {})
    assert settings.public_port == 8681
    assert len(parse_rates(settings.classes)) == len(RateClass) * len(CountedBy)


@pytest.mark.parametrize(
    ("text", "why"),
    [("classes: {READ: {principal: many}}", "is not a rate"), ("redis_url: http://localhost", "must begin with redis://")],
)
def test_settings_refuse(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "trustmesh.yaml").write_text(f"services: {{ratelimit: {{{text}}}}}")
    with pytest.raises(SettingsError, match=why):
        load_settings(RateLimitSettings, "ratelimit", tmp_path, {})
