"""A port of one's own that leads to the console's socket: for one's own browser, and nobody else's."""

from __future__ import annotations

import asyncio
import contextlib
import os

from ..daemon.transport import sockets

_PIECE = 1 << 16


async def forward(port: int, place: str) -> None:
    """Forward a port of 127.0.0.1 to the socket, for connections of this user alone, until cancelled.

    Every user of the machine can connect to a port, and to the console each of its connections is this user's. Raises
    UnsafePlaceError when the port cannot be had.
    """
    listener = sockets.listen_tcp(f"127.0.0.1:{port}")
    server = await asyncio.start_server(lambda reader, writer: _carry(reader, writer, place), sock=listener)
    async with server:
        await server.serve_forever()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, place: str) -> None:
    with contextlib.closing(writer):
        if sockets.tcp_user(writer.get_extra_info("socket")) != os.geteuid():
            return
        with contextlib.suppress(OSError):
            back, there = await asyncio.open_unix_connection(place)
            with contextlib.closing(there):
                await asyncio.gather(_pump(reader, there), _pump(back, writer))


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await source.read(_PIECE):
            sink.write(data)
            await sink.drain()
    with contextlib.suppress(OSError):
        sink.close()
