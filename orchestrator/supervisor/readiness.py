"""Whether a part that was started does its work yet."""

import asyncio
from contextlib import suppress

from orchestrator.supervisor import ports

_ONE_TRY = 5.0


async def web_serves(port: int) -> bool:
    """Whether anything at all comes back from gunicorn: a listening socket alone proves nothing."""
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(_ONE_TRY):
            reader, writer = await asyncio.open_connection(ports.HOST, port)
            try:
                writer.write(f"GET / HTTP/1.1\r\nHost: {ports.HOST}:{port}\r\nConnection: close\r\n\r\n".encode())
                return (await reader.readline()).startswith(b"HTTP/1.1 ")
            finally:
                writer.close()
    return False
