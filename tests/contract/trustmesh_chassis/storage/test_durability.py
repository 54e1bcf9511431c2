"""What a unit acknowledged is there after kill -9, and of what it did not, all or nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import Any

from sqlalchemy import select

PROGRAM = """
import asyncio, pathlib, sys
from sqlalchemy import Column, MetaData, insert
from trustmesh_chassis.storage import ByteText, Database, tenant_table
metadata = MetaData()
books = tenant_table("books", metadata, Column("id", ByteText(63), primary_key=True), Column("title", ByteText(100)))
async def main():
    database = await Database.open(sys.argv[1], metadata, pathlib.Path(sys.argv[2]))
    for number in range(1_000_000):
        async with database.unit("north") as unit:
            await unit.execute(insert(books), [{"id": f"{number}-{half}", "title": "t"} for half in "ab"])
        print(number, flush=True)
asyncio.run(main())
"""


async def test_acknowledged_units_outlive_kill_9(library: Any, database_url: str) -> None:
    await (await library.open(database_url)).close()
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    arguments = [sys.executable, "-c", PROGRAM, database_url, str(library.migrations)]
    acknowledged = -1
    process = await asyncio.create_subprocess_exec(*arguments, env=environment, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    async with asyncio.timeout(30):
        while acknowledged < 30:
            acknowledged = int(await process.stdout.readline())
        process.kill()
        rest = (await process.stdout.read()).split()
        await process.wait()
    acknowledged = int(rest[-1]) if rest else acknowledged

    database = await library.open(database_url)
    async with database.read("north") as read:
        kept = set((await read.execute(select(library.books.c.id))).scalars())
    await database.close()
    assert {f"{number}-{half}" for number in range(acknowledged + 1) for half in "ab"} <= kept
    assert all(f"{identity[:-1]}{half}" in kept for identity in kept for half in "ab")
