"""A process that works until it is killed: encrypts, or rotates, and prints a line for each piece of work that is done."""

from __future__ import annotations

import asyncio
import secrets
import sys
from pathlib import Path
from typing import Any, cast

from trustmesh_chassis.service import Runtime, utc_now
from trustmesh_kms import operations
from trustmesh_kms.app import build
from trustmesh_kms.crypto import Payload, encrypt_batch
from trustmesh_kms.errors import KeyExists
from trustmesh_kms.keys import Algorithm
from trustmesh_kms.operations import Change, CreateKey
from trustmesh_kms.servicer import CryptoServicer, KeyServicer
from trustmesh_kms.settings import KmsSettings

KEY = "orgs/demo/keys/k"


async def work(home: Path, task: str, algorithm: Algorithm) -> None:
    absent = cast(Any, None)
    settings = KmsSettings(home=home)
    application = await build(settings, Runtime("kms", settings, utc_now, absent, absent, absent))
    servicers = [servicer for _, servicer in application.servicers]
    keys = next(servicer for servicer in servicers if isinstance(servicer, KeyServicer))
    crypto = next(servicer for servicer in servicers if isinstance(servicer, CryptoServicer))
    try:
        command = CreateKey("demo", "k", algorithm.purpose, algorithm, {}, "")
        await operations.create_key(command, keys=keys.keys, barrier=keys.barrier, now=utc_now(), random=secrets.token_bytes)
    except KeyExists:
        pass
    while True:
        if task == "encrypt":
            plaintexts = [Payload(b"secret", b"", None, None)] * 100
            for answer in await encrypt_batch(
                KEY, plaintexts, keyring=crypto.keyring, budget=crypto.budget, random=secrets.token_bytes
            ):
                print(cast(Any, answer).content.hex())
        else:
            key = await operations.rotate_key(
                Change(KEY, "", rehearsal=False),
                keys=keys.keys,
                barrier=keys.barrier,
                keyring=keys.keyring,
                now=utc_now(),
                random=secrets.token_bytes,
            )
            print(key.primary)
        sys.stdout.flush()


asyncio.run(work(Path(sys.argv[1]), sys.argv[2], Algorithm[sys.argv[3]]))
