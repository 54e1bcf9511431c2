"""The authorization server, put together."""

from __future__ import annotations

import secrets
from datetime import timedelta
from functools import partial

from trustmesh.authz.v1 import client_service_pb2, signing_key_service_pb2
from trustmesh_chassis.service import Application, Runtime, ServiceDefinition
from trustmesh_identity.authz import store
from trustmesh_identity.authz.keyring import Keyring, keep_published, keep_rotating
from trustmesh_identity.authz.operations import Issuer
from trustmesh_identity.authz.sealing import FileSealer, read_or_make_key
from trustmesh_identity.authz.seed import take_seed
from trustmesh_identity.authz.servicer import ClientServicer, SigningKeyServicer
from trustmesh_identity.authz.settings import AuthzSettings
from trustmesh_identity.authz.signing_keys import Rotation
from trustmesh_identity.authz.web import build_web

_RETIREMENT_MARGIN = timedelta(seconds=60)
"""Beyond a token's life: verifiers' leeway, and the time until every instance has seen a rotation."""


async def build(settings: AuthzSettings, runtime: Runtime) -> Application:
    database = await runtime.open_database(store.METADATA, migrations="trustmesh_identity.authz:migrations")
    clients = store.SqlClients(database)
    await take_seed(runtime.directory, clients, runtime.clock())

    lifetime = timedelta(seconds=settings.token_lifetime)
    rotation = Rotation(
        period=timedelta(seconds=settings.rotation_period),
        lead=timedelta(seconds=settings.rotation_lead),
        linger=lifetime + _RETIREMENT_MARGIN,
    )
    sealing_key = read_or_make_key(settings.sealing_key_path or runtime.directory / "sealing.key", secrets.token_bytes)
    sealer = FileSealer(sealing_key, secrets.token_bytes)
    keyring = Keyring(store.SqlSigningKeys(database), sealer, rotation, runtime.clock)
    await keyring.refresh()

    issuer = Issuer(settings.token_issuer, settings.audience, lifetime)
    return Application(
        servicers=[
            (
                client_service_pb2.DESCRIPTOR.services_by_name["ClientService"],
                ClientServicer(clients, database.page_tokens, runtime.clock, secrets.token_bytes),
            ),
            (
                signing_key_service_pb2.DESCRIPTOR.services_by_name["SigningKeyService"],
                SigningKeyServicer(keyring, database.page_tokens),
            ),
        ],
        http=build_web(clients=clients, keyring=keyring, issuer=issuer, clock=runtime.clock, random_bytes=secrets.token_bytes),
        background=[
            partial(keep_rotating, keyring, settings.rotation_poll),
            partial(keep_published, keyring, runtime.configuration, settings.rotation_poll),
        ],
        checks={"database": database.ping},
        close=database.close,
    )


SERVICE = ServiceDefinition(name="authz", settings=AuthzSettings, build=build)
