"""A real authority behind the agent's port, and a clock that its sleeps move."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from trustmesh_chassis.identity import Generation, IdentityAgent, Issued, IssuerUnavailable, SpiffeId
from trustmesh_chassis.identity.agent import Enrolment
from trustmesh_chassis.identity.request import Names
from trustmesh_pki.operations import Issuance
from trustmesh_pki.testing import TRUST_DOMAIN, TestTrust

KMS = SpiffeId(TRUST_DOMAIN, "kms")


@dataclass
class Authority:
    """An Issuer on pki's operations; `down` lets it fail, `change` lets it answer something else."""

    trust: TestTrust
    down: bool = False
    change: Callable[[Issued], Issued] = lambda issued: issued
    joins: int = 0
    renewals: int = 0
    forgotten: int = 0

    async def join(self, csr_pem: str) -> Issued:
        self._require_up()
        self.joins += 1
        return self._issued(await self.trust.authorities.issue_own("kms", csr_pem))

    def joined(self) -> None:
        self.forgotten += 1

    async def renew(self, csr_pem: str, current: Generation) -> Issued:
        self._require_up()
        self.renewals += 1
        return self._issued(await self.trust.authorities.renew("kms", csr_pem))

    async def roots(self, current: Generation) -> bytes:
        self._require_up()
        return (await self.trust.authorities.trust_bundle(TRUST_DOMAIN)).pem.encode()

    def _issued(self, issuance: Issuance) -> Issued:
        return self.change(Issued(issuance.chain_pem.encode(), issuance.bundle.pem.encode()))

    def _require_up(self) -> None:
        if self.down:
            raise IssuerUnavailable("UNAVAILABLE: down")


@dataclass
class Life:
    """An agent's surroundings: sleeping moves the clock, and `until` runs the agent to a moment."""

    trust: TestTrust
    authority: Authority
    root: Path
    events: list[str] = field(default_factory=list)
    naps: list[float] = field(default_factory=list)

    @property
    def enrolment(self) -> Enrolment:
        return Enrolment(KMS, Names(("kms.trustmesh.local", "localhost"), ("127.0.0.1",)), self.root)

    async def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.trust.clock.advance(seconds=seconds)
        await asyncio.sleep(0)

    async def start(self) -> IdentityAgent:
        return await IdentityAgent.start(
            self.enrolment, self.authority, self.trust.clock, jitter=lambda: 0.0, observe=self.events.append, sleep=self.sleep
        )

    async def until(self, agent: IdentityAgent, reached: Callable[[], bool]) -> None:
        """Let the agent run until `reached`; fails after a thousand naps."""
        task = asyncio.create_task(agent.run())
        try:
            for _ in range(1000):
                if reached():
                    return
                await asyncio.sleep(0)
                assert not task.done(), task.result()
            raise AssertionError(f"not reached; events: {self.events}")
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def life(tmp_path: Path) -> Life:
    trust = await TestTrust.start()
    return Life(trust, Authority(trust), tmp_path / "identity")
