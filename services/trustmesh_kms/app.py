"""Where the key management service's objects are built and wired."""

from __future__ import annotations

import secrets
import time

from trustmesh.kms.v1 import crypto_service_pb2, key_service_pb2, seal_service_pb2
from trustmesh_chassis.service import Application, Runtime, ServiceDefinition
from trustmesh_kms import convert, store
from trustmesh_kms.barrier import Barrier
from trustmesh_kms.budget import MessageBudget
from trustmesh_kms.guard import GuardedKeys
from trustmesh_kms.keyring import Keyring
from trustmesh_kms.servicer import CryptoServicer, KeyServicer, SealServicer
from trustmesh_kms.settings import KmsSettings
from trustmesh_kms.unsealers import FileUnsealer


async def build(settings: KmsSettings, runtime: Runtime) -> Application:
    random, clock = secrets.token_bytes, runtime.clock
    database = await runtime.open_database(store.METADATA, migrations="trustmesh_kms:migrations")
    barrier = Barrier(store.SqlBarrier(database), FileUnsealer(settings.unseal_key, random), random=random, clock=clock)
    await barrier.start()
    keys = GuardedKeys(store.SqlKeys(database, convert.event_payload), barrier)
    keyring = Keyring(keys, barrier, monotonic=time.monotonic, capacity=settings.keys_remembered)
    return Application(
        servicers=[
            (
                key_service_pb2.DESCRIPTOR.services_by_name["KeyService"],
                KeyServicer(keys, barrier, keyring, database.page_tokens, clock, random),
            ),
            (
                crypto_service_pb2.DESCRIPTOR.services_by_name["CryptoService"],
                CryptoServicer(keyring, MessageBudget(keys), random),
            ),
            (seal_service_pb2.DESCRIPTOR.services_by_name["SealService"], SealServicer(barrier, keyring)),
        ],
        background=[keyring.watch],
        checks={"database": database.ping, "barrier": barrier.check},
        close=database.close,
    )


SERVICE = ServiceDefinition(name="kms", settings=KmsSettings, build=build)
