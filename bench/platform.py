"""A platform that takes every message at once: `python -m bench.platform <port>`.

It does the least that a platform can, so that its own time hides nobody's: answers with an id, and tells on
GET /sent which ids it gave for what. Both ways are measured against it.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys

SENT: list[tuple[str, str, str]] = []
"""Id, our key, address."""


def _answer(method: str, path: str, body: bytes) -> bytes:
    if method == "POST":
        asked = json.loads(body)
        given = f"wamid.{len(SENT) + 1:012d}"
        SENT.append((given, asked.get("biz_opaque_callback_data", ""), asked["to"]))
        return json.dumps({"messaging_product": "whatsapp", "messages": [{"id": given}]}).encode()
    since = int(path.rpartition("=")[2]) if "=" in path else len(SENT)
    return json.dumps(SENT[since:]).encode()


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while head := await reader.readuntil(b"\r\n\r\n"):
            lines = head.split(b"\r\n")
            method, path, _ = lines[0].decode().split(" ")
            sizes = [line.partition(b":")[2] for line in lines if line.lower().startswith(b"content-length:")]
            body = await reader.readexactly(int(sizes[0])) if sizes else b""
            answer = _answer(method, path, body)
            kind = b"Content-Type: application/json\r\nContent-Length: "
            writer.write(b"HTTP/1.1 200 OK\r\n" + kind + str(len(answer)).encode() + b"\r\n\r\n" + answer)
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def main(port: int) -> None:
    """Serves until SIGTERM."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    async with await asyncio.start_server(_serve, "127.0.0.1", port, limit=2**20):
        await ended.wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
