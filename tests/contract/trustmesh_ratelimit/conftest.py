"""A Redis server for the test run, on a unix socket."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The URL of a running Redis server."""
    binary = shutil.which("redis-server")
    if binary is None:
        missing = "redis-server is not installed (apt-get install redis-server), so nothing is known of the counters in Redis"
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with tempfile.TemporaryDirectory(prefix="trustmesh-redis-") as directory:
        path = Path(directory, "redis.sock")
        options = ["--port", "0", "--unixsocket", str(path), "--save", "", "--appendonly", "no", "--dir", directory]
        with subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL) as server:
            deadline = time.monotonic() + 10
            while not path.exists():
                assert server.poll() is None and time.monotonic() < deadline, "redis-server does not come up"
                time.sleep(0.01)
            yield f"unix://{path}"
            server.terminate()
