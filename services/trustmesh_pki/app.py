"""Where pki is put together."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from trustmesh.pki.v1 import (
    identity_service_pb2,
    intermediate_service_pb2,
    join_service_pb2,
    join_token_service_pb2,
    trust_bundle_service_pb2,
)
from trustmesh_chassis.identity.agent import IdentityAgent, enrolment_of, system_jitter
from trustmesh_chassis.service import Application, Clock, Runtime, ServiceDefinition
from trustmesh_chassis.storage import Database
from trustmesh_pki import store
from trustmesh_pki.operations import Authorities
from trustmesh_pki.own import PKI, OwnIssuer
from trustmesh_pki.pins import keep_pinned
from trustmesh_pki.sealing import open_sealer
from trustmesh_pki.seeds import watch_seeds
from trustmesh_pki.servicer import IdentityServicer, IntermediateServicer, JoinServicer, JoinTokenServicer, TrustBundleServicer
from trustmesh_pki.settings import PkiSettings

MIGRATIONS = "trustmesh_pki:migrations"
DAY_SECONDS = 86_400.0


def authorities_of(settings: PkiSettings, database: Database, clock: Clock) -> Authorities:
    """The use cases on a database."""
    return Authorities(
        trust_domain=settings.trust_domain,
        ledger=store.SqlLedger(database),
        sealer=open_sealer(settings.seal_key_path, os.urandom),
        clock=clock,
        random=os.urandom,
        leaf_lifetime=timedelta(seconds=settings.leaf_lifetime),
        root_propagation=timedelta(seconds=settings.root_propagation),
    )


async def build(settings: PkiSettings, runtime: Runtime) -> Application:
    """pki on its database."""
    database = await runtime.open_database(store.METADATA, migrations=MIGRATIONS)
    authorities = authorities_of(settings, database, runtime.clock)
    parts = (authorities, database.page_tokens)

    async def take_in_seeds() -> None:
        await watch_seeds(settings.seeds, authorities)

    async def keep_roots() -> None:
        await keep_pinned(settings.home / "trust" / "roots.pem", authorities)

    async def forget() -> None:
        while True:
            await authorities.forget_identities(timedelta(days=settings.history_days))
            await asyncio.sleep(DAY_SECONDS)

    return Application(
        servicers=[
            (identity_service_pb2.DESCRIPTOR.services_by_name["IdentityService"], IdentityServicer(*parts)),
            (trust_bundle_service_pb2.DESCRIPTOR.services_by_name["TrustBundleService"], TrustBundleServicer(*parts)),
            (intermediate_service_pb2.DESCRIPTOR.services_by_name["IntermediateService"], IntermediateServicer(*parts)),
            (join_token_service_pb2.DESCRIPTOR.services_by_name["JoinTokenService"], JoinTokenServicer(*parts)),
        ],
        open_servicers=[(join_service_pb2.DESCRIPTOR.services_by_name["JoinService"], JoinServicer(*parts))],
        background=[take_in_seeds, keep_roots, forget],
        checks={"database": database.ping, "issuer": authorities.check},
        close=database.close,
    )


async def own_identity(settings: PkiSettings, clock: Clock) -> IdentityAgent:
    """pki's identity, out of its own ledger: before anything is served, and again at each renewal."""

    @asynccontextmanager
    async def open_authorities() -> AsyncIterator[Authorities]:
        url = settings.database_url or f"sqlite+aiosqlite:///{settings.directory(PKI) / 'data.db'}"
        migration_url = settings.migration_database_url or None
        database = await Database.open(url, store.METADATA, migrations=MIGRATIONS, migration_url=migration_url, pool_size=1)
        try:
            yield authorities_of(settings, database, clock)
        finally:
            await database.close()

    issuer = OwnIssuer(open_authorities, settings.seeds)
    return await IdentityAgent.start(enrolment_of(PKI, settings), issuer, clock, jitter=system_jitter)


SERVICE = ServiceDefinition(name=PKI, settings=PkiSettings, build=build, identity=own_identity)
