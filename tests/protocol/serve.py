"""Serves a release's endpoint and nothing else: `serve.py RELEASE LIMITS`, prints its address."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import sys
from pathlib import Path

import uvicorn

from kg.web.pool import Limits, Pool
from kg.web.protocol import SparqlEndpoint


async def main(release: str, limits: str) -> None:
    async with Pool(Path(release), Limits(**json.loads(limits))) as pool:
        config = uvicorn.Config(SparqlEndpoint(pool), log_level="error", lifespan="off")
        listening = socket.create_server(("127.0.0.1", 0))
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        await uvicorn.Server(config).serve(sockets=[listening])


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(main(*sys.argv[1:]))
