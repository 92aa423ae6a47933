# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: the octets of one connection to the sink. TLS runs between memory buffers, so that what came in clear is
# never taken for what came under TLS, and each octet is seen on its way.

from __future__ import annotations

import asyncio
import ssl
from typing import Optional

READ_OCTETS = 65536
_PATIENCE = 300.0  # seconds for a client that takes nothing (RFC 5321 4.5.3.2.7)
_FAREWELL = 5.0  # seconds for what is left to say, when all is over


class WireError(Exception):
    """The connection, or its TLS, is gone: `str()` says how."""


class Wire:
    """Reads and writes octets, in clear or, after start_tls(), under TLS."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: Optional[ssl.SSLObject] = None
        self.heard_tls = False  # an octet of a handshake has come
        self._reading: Optional[asyncio.Task[bytes]] = None  # goes on where somebody waited no longer

    async def read(self, within: Optional[float] = None) -> Optional[bytes]:
        """Return what came, nothing at the end, None if nothing comes within so many seconds. Raises WireError."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read())
        done, _pending = await asyncio.wait({self._reading}, timeout=within)
        if not done:
            return None
        reading, self._reading = self._reading, None
        return reading.result()

    async def _read(self) -> bytes:
        while self._tls is not None:
            try:
                return self._tls.read(READ_OCTETS)
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._take():
                    return b""
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as error:
                raise WireError(_reason(error)) from None
        return await self._received()

    async def write(self, data: bytes) -> None:
        """Raises WireError."""
        if self._tls is not None:
            try:
                self._tls.write(data)
            except ssl.SSLError as error:
                raise WireError(_reason(error)) from None
            return await self._flush()
        await self._send(data)

    async def start_tls(self, context: ssl.SSLContext, begun: bytes = b"") -> ssl.SSLObject:
        """Play the server of a handshake; `begun` is what has come of it already. Raises WireError."""
        tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._incoming.write(begun)
        self.heard_tls = bool(begun)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                await self._flush()
                if not await self._take():
                    raise WireError("the client hung up in the handshake") from None
            except ssl.SSLError as error:
                await self._flush()  # our alert
                raise WireError(_reason(error)) from None
        await self._flush()
        self._tls = tls
        return tls

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._writer.close()
        try:
            await asyncio.wait_for(self._writer.wait_closed(), _FAREWELL)
        except asyncio.TimeoutError:
            self._writer.transport.abort()
        except (OSError, ssl.SSLError):
            pass  # it was gone before

    async def _take(self) -> bool:
        data = await self._received()
        self._incoming.write(data)
        self.heard_tls |= bool(data)
        return bool(data)

    async def _received(self) -> bytes:
        try:
            return await self._reader.read(READ_OCTETS)
        except OSError as error:
            raise WireError(error.strerror or "the connection broke") from None

    async def _flush(self) -> None:
        data = self._outgoing.read()
        if data:
            await self._send(data)

    async def _send(self, data: bytes) -> None:
        try:
            self._writer.write(data)
            await asyncio.wait_for(self._writer.drain(), _PATIENCE)
        except asyncio.TimeoutError:
            raise WireError("the client took nothing for %d s" % _PATIENCE) from None
        except OSError as error:
            raise WireError(error.strerror or "the connection broke") from None


def _reason(error: ssl.SSLError) -> str:
    """OpenSSL's own words, such as `tlsv1 alert unknown ca`."""
    return (error.reason or "TLS failed").lower().replace("_", " ")
