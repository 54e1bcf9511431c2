"""Keeps a service's identity: loads or joins at start, renews at half life, follows the roots, and says loudly when it cannot."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self

from trustmesh_chassis.errors import Unavailable
from trustmesh_chassis.identity.generation import CURRENT, Generation, IdentityRefused, load, store, verified
from trustmesh_chassis.identity.identity import Identity
from trustmesh_chassis.identity.issuer import IdentityMissing, Issuer, IssuerUnavailable, PkiIssuer
from trustmesh_chassis.identity.request import Names, forget_pending_key, local_names, new_key, pending_key, request_for
from trustmesh_chassis.identity.spiffe import SpiffeId
from trustmesh_chassis.settings import ServiceSettings

log = logging.getLogger(__name__)

Clock = Callable[[], datetime]
Jitter = Callable[[], float]
"""A random number in [-1, 1]."""
Observe = Callable[[str], None]
"""Told of each event: "joined", "renewed", "roots_changed", "failed"."""
Sleep = Callable[[float], Awaitable[None]]

LONGEST_SLEEP = timedelta(seconds=30)
ROOTS_EVERY = timedelta(seconds=60)
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS, LONGEST_JOIN_RETRY_SECONDS = 0.2, 30.0, 2.0
ALARM = 0.15
"""Readiness ends when less than this part of the life is left; renewal has then failed for a third of it."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Who wants to be in the mesh, the names it asks for, and where its generations are kept."""

    spiffe_id: SpiffeId
    names: Names
    generations: Path


class IdentityAgent:
    """One service's agent: made by `start`, kept going by `run` as long as the service lives."""

    def __init__(
        self,
        enrolment: Enrolment,
        identity: Identity,
        issuer: Issuer,
        clock: Clock,
        jitter: Jitter,
        observe: Observe,
        sleep: Sleep,
    ) -> None:
        self.identity = identity
        self._enrolment = enrolment
        self._issuer = issuer
        self._clock = clock
        self._jitter = jitter
        self._observe = observe
        self._sleep = sleep
        self._problem = "the clock is wrong, or the agent is not running"

    @classmethod
    async def start(
        cls,
        enrolment: Enrolment,
        issuer: Issuer,
        clock: Clock,
        *,
        jitter: Jitter,
        observe: Observe = lambda event: None,
        sleep: Sleep = asyncio.sleep,
    ) -> Self:
        """Load the identity if it is still good; otherwise join, waiting as long as it takes for the issuer to agree.

        Raises IdentityMissing when there is nothing to join with.
        """
        try:
            generation = load(enrolment.generations / CURRENT, enrolment.spiffe_id, clock())
        except IdentityRefused as problem:
            log.info("no identity yet for %s (%s); joining the mesh", enrolment.spiffe_id, problem)
            generation = await _join_patiently(enrolment, issuer, clock, jitter, sleep)
            observe("joined")
        identity = Identity(enrolment.spiffe_id, enrolment.generations, generation)
        return cls(enrolment, identity, issuer, clock, jitter, observe, sleep)

    @property
    def seconds_left(self) -> float:
        """How long the certificate is still good for; negative when it has ended."""
        return (self.identity.expires - self._clock()).total_seconds()

    async def check(self) -> None:
        """Raise Unavailable when the identity has ended or is about to."""
        current = self.identity.generation
        if self.seconds_left < current.lifetime.total_seconds() * ALARM:
            raise Unavailable(f"the identity ends at {current.expires:%FT%TZ} and is not renewed: {self._problem}")

    async def run(self) -> None:
        """Renew and follow the roots, for ever."""
        failures = 0
        renew_at, roots_at = self._renewal(), self._next_look()
        while True:
            await self._sleep_until(min(renew_at, roots_at))
            try:
                if self._clock() >= renew_at:
                    await self._renew()
                    renew_at = self._renewal()
                else:
                    await self._follow_roots()
                failures, roots_at = 0, self._next_look()
            except (IssuerUnavailable, IdentityRefused, IdentityMissing, OSError) as problem:
                failures += 1
                again = self._clock() + self._pause(failures)
                renew_at, roots_at = max(renew_at, again), max(roots_at, again)
                self._report(problem, again)

    async def _renew(self) -> None:
        current = self.identity.generation
        if current.expires <= self._clock():
            await _join(self._enrolment, self._issuer, self._clock, self.identity.adopt)
        else:
            key = new_key()
            issued = await self._issuer.renew(request_for(key, self._enrolment.spiffe_id, self._enrolment.names), current)
            self.identity.adopt(verified(key, issued.chain_pem, issued.roots_pem, self._enrolment.spiffe_id, self._clock()))
        self._observe("renewed")
        log.info("identity renewed until %s", self.identity.expires)

    async def _follow_roots(self) -> None:
        current = self.identity.generation
        roots = await self._issuer.roots(current)
        if roots == current.roots_pem:
            return
        self.identity.adopt(verified(current.key_pem, current.chain_pem, roots, self._enrolment.spiffe_id, self._clock()))
        self._observe("roots_changed")
        log.info("trusted roots changed")

    def _report(self, problem: Exception, again: datetime) -> None:
        self._problem = str(problem)
        self._observe("failed")
        late = self.seconds_left < self.identity.generation.lifetime.total_seconds() / 3
        level = logging.ERROR if late else logging.WARNING
        log.log(level, "identity not renewed, %d s before it ends: %s; next attempt at %s", self.seconds_left, problem, again)

    def _renewal(self) -> datetime:
        return self.identity.generation.renewal(self._jitter())

    def _next_look(self) -> datetime:
        every = min(ROOTS_EVERY, self.identity.generation.lifetime / 8)
        return self._clock() + every * (1 + 0.1 * self._jitter())

    def _pause(self, failures: int) -> timedelta:
        return min(backoff(failures, self._jitter()), self.identity.generation.lifetime / 10)

    async def _sleep_until(self, time: datetime) -> None:
        """In short turns, by the clock: a machine that was suspended finds out soon after."""
        while (left := time - self._clock()) > timedelta(0):
            await self._sleep(min(left, LONGEST_SLEEP).total_seconds())


def backoff(failures: int, jitter: float) -> timedelta:
    """How long to wait after `failures` in a row: doubling, capped, moved by up to a fifth (`jitter` in [-1, 1])."""
    seconds = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(failures - 1, 16))
    return timedelta(seconds=seconds * (1 + 0.2 * jitter))


async def join_mesh(service: str, settings: ServiceSettings, clock: Clock) -> IdentityAgent:
    """The agent of `service` with its identity from disk or, by its join token, from pki. Raises IdentityMissing."""
    enrolment = enrolment_of(service, settings)
    issuer = PkiIssuer(
        enrolment.spiffe_id,
        settings.pki,
        settings.join,
        join_token=settings.directory(service) / "join-token",
        pinned_roots=settings.home / "trust" / "roots.pem",
    )
    return await IdentityAgent.start(enrolment, issuer, clock, jitter=system_jitter)


def enrolment_of(service: str, settings: ServiceSettings) -> Enrolment:
    """Where a service of the mesh keeps its identity, and the names it asks for."""
    spiffe_id = SpiffeId(settings.trust_domain, service)
    names = local_names(spiffe_id, settings.advertised_address)
    return Enrolment(spiffe_id, names, settings.directory(service) / "identity")


def system_jitter() -> float:
    """Jitter of the system's randomness."""
    return random.SystemRandom().uniform(-1, 1)


async def _join_patiently(enrolment: Enrolment, issuer: Issuer, clock: Clock, jitter: Jitter, sleep: Sleep) -> Generation:
    failures = 0
    while True:
        try:
            return await _join(enrolment, issuer, clock, partial(store, enrolment.generations))
        except (IssuerUnavailable, IdentityRefused) as problem:
            failures += 1
            log.warning("cannot join the mesh as %s yet: %s", enrolment.spiffe_id, problem)
            await sleep(min(backoff(failures, jitter()).total_seconds(), LONGEST_JOIN_RETRY_SECONDS))


async def _join(enrolment: Enrolment, issuer: Issuer, clock: Clock, keep: Callable[[Generation], object]) -> Generation:
    """Join; the key and the token are forgotten only when `keep` has put the certificate on disk."""
    key = pending_key(enrolment.generations)
    issued = await issuer.join(request_for(key, enrolment.spiffe_id, enrolment.names))
    generation = verified(key, issued.chain_pem, issued.roots_pem, enrolment.spiffe_id, clock())
    keep(generation)
    issuer.joined()
    forget_pending_key(enrolment.generations)
    return generation
