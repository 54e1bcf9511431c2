"""kill -9 while it works: what was acknowledged is there, and no nonce is used twice."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from trustmesh_chassis.service import utc_now
from trustmesh_chassis.storage import Database
from trustmesh_kms import convert, store
from trustmesh_kms.keys import Algorithm
from trustmesh_kms.testing import Clock, Installation

ROOT = Path(__file__).parents[3]
KEY = "orgs/demo/keys/k"


async def killed_after(home: Path, task: str, algorithm: Algorithm, lines: int) -> list[str]:
    """The lines that the working process printed; it is killed after `lines` of them, in the middle of more."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(Path(__file__).with_name("working_process.py")), str(home), task, algorithm.name),
        env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT / "services", ROOT / "gen" / "python")))},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    printed: list[str] = []
    async with asyncio.timeout(30):
        while len(printed) < lines and (line := await process.stdout.readline()).endswith(b"\n"):
            printed.append(line.decode().strip())
        if process.returncode is None:
            process.kill()
        rest, problem = await process.communicate()
    assert len(printed) == lines, problem.decode()
    return printed + [line.decode() for line in rest.splitlines(keepends=False)[:-1]]


async def reopened(home: Path) -> tuple[Installation, Database]:
    directory = home / "services" / "kms"
    url = f"sqlite:///{directory / 'data.db'}"
    database = await Database.open(url, store.METADATA, "trustmesh_kms:migrations", clock=utc_now)
    return Installation(directory, Clock(), store.SqlBarrier(database), store.SqlKeys(database, convert.event_payload)), database


@pytest.mark.parametrize("algorithm", [Algorithm.AES_256_GCM, Algorithm.XAES_256_GCM])
async def test_encrypting(tmp_path: Path, algorithm: Algorithm) -> None:
    acknowledged = []
    for _ in range(2):
        acknowledged += await killed_after(tmp_path, "encrypt", algorithm, 4000)
    installation, database = await reopened(tmp_path)
    kms = await installation.start()
    key = await kms.keyring.encryption_key(KEY)
    ciphertexts = [bytes.fromhex(line) for line in acknowledged]
    assert {key.decrypt(ciphertext, b"") for ciphertext in ciphertexts} == {b"secret"}
    assert len({ciphertext[22 : 22 + key.nonce_size] for ciphertext in ciphertexts}) == len(ciphertexts) >= 8_000
    async with database.read("demo") as read:
        counted = (await read.execute(select(store.KEY_VERSIONS.c.messages))).scalar_one()
    assert counted >= len(ciphertexts) if key.metered else counted == 0
    await database.close()


async def test_rotating(tmp_path: Path) -> None:
    """A version is there with its material, its key pointing at it, or not at all."""
    acknowledged = 1
    for _ in range(2):
        printed = await killed_after(tmp_path, "rotate", Algorithm.EC_SIGN_ED25519, 10)
        assert int(printed[0]) > acknowledged
        acknowledged = int(printed[-1])
        installation, database = await reopened(tmp_path)
        kms = await installation.start()
        async with installation.stored_keys.read("demo") as reading:
            key = await reading.key("k")
            assert key is not None
            states = await reading.states(key)
        assert key.primary == key.latest == max(states) == len(states) >= acknowledged
        for number in states:
            await kms.keyring.signing_key(key.version_name(number))
        await database.close()


async def test_a_restored_backup_repeats_no_nonce(tmp_path: Path) -> None:
    """A backup takes the count back; the nonces are random, so none comes again."""
    first = await killed_after(tmp_path, "encrypt", Algorithm.AES_256_GCM, 500)
    directory = tmp_path / "services" / "kms"
    backup = {file.name: file.read_bytes() for file in directory.iterdir() if file.name.startswith("data.db")}
    drawn = first + await killed_after(tmp_path, "encrypt", Algorithm.AES_256_GCM, 500)
    for name, content in backup.items():
        (directory / name).write_bytes(content)
    drawn += await killed_after(tmp_path, "encrypt", Algorithm.AES_256_GCM, 500)
    nonces = {line[44:68] for line in drawn}
    assert len(nonces) == len(drawn)
