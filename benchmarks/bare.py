"""A server that does nothing: the least that a GET costs on Litestar and uvicorn, run as `sekisho serve` runs them."""

from __future__ import annotations

import sys

import uvicorn
from litestar import Litestar, get


@get("/healthz", sync_to_thread=False)
def answer() -> dict[str, str]:
    return {"status": "ok"}


def main(port: int) -> None:
    app = Litestar([answer], openapi_config=None, logging_config=None)
    uvicorn.run(app, port=port, log_config=None, access_log=False, server_header=False)


if __name__ == "__main__":
    main(int(sys.argv[1]))
