"""Serves a release's endpoint and nothing else: `serve.py RELEASE LIMITS`, prints its address."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
from pathlib import Path

import uvicorn

from kg import logs
from kg.web.pool import Limits, Pool
from kg.web.protocol import SparqlEndpoint
from kg.web.quota import Quota
from kg.web.server import House


async def main(release: str, options: str) -> None:
    given = json.loads(options)
    cache_mib, rate = given.pop("cache_mib", 32), given.pop("client_rate", 0)
    level = given.pop("log_level", "info")
    logs.set_up(level, "json")
    names = ("slow_reader_s", "request_s", "keep_alive_s", "most")
    waits = {name: given.pop(name) for name in names if name in given}
    async with Pool(Path(release), Limits(**given)) as pool:
        endpoint = SparqlEndpoint(pool, cache_mib=cache_mib, quota=Quota(rate))
        house = House(instant=endpoint.instant, **waits)
        config = uvicorn.Config(
            endpoint,
            http=house.connection(),  # type: ignore[arg-type]
            log_config=None,
            log_level="error",
            lifespan="off",
            forwarded_allow_ips="127.0.0.1",
        )
        listening = socket.create_server(("127.0.0.1", 0))
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
