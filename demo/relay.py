# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration's relays: two on free loopback ports, one in order, one with an expired certificate.

Both want STARTTLS, then a password. They accept mail for example.com and throw it away. When they listen,
one line of JSON on standard output says where and how to reach them. They stop when standard input ends, so
they never outlive the process that started them.
"""

from __future__ import annotations

import asyncio
import datetime
import json
import logging
import secrets
import ssl
import sys
from pathlib import Path
from typing import Any, Callable

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USERNAME = "app@example.com"


class Mailboxes:
    """Answers RCPT and the end of DATA."""

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if not address.endswith("@example.com"):
            return "554 5.7.1 <%s>: Relay access denied" % address
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 Ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        return "250 2.0.0 Ok: queued as %s" % secrets.token_hex(5).upper()


def authenticator(password: str) -> Callable[..., AuthResult]:
    def judge(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        right = isinstance(data, LoginPassword) and data == LoginPassword(USERNAME.encode(), password.encode())
        # `handled=False` leaves the refusal's words (535 5.7.8) to the server.
        return AuthResult(success=right, handled=False)

    return judge


def server_context(ca: trustme.CA, **validity: datetime.datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost", "127.0.0.1", **validity).configure_cert(context)
    return context


async def listen(context: ssl.SSLContext, password: str) -> asyncio.Server:
    def session() -> SMTP:
        return SMTP(
            Mailboxes(),
            hostname="relay.example.com",
            ident="ESMTP ready",
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            authenticator=authenticator(password),
        )

    return await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)


async def main(folder: Path) -> None:
    logging.disable()  # a client that turns away is no news here
    ca = trustme.CA(organization_name="Demonstration CA")
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
    password = secrets.token_urlsafe(12)

    sound = await listen(server_context(ca, not_before=now - day, not_after=now + 90 * day), password)
    expired = await listen(server_context(ca, not_before=now - 91 * day, not_after=now - day), password)
    facts = {
        "relay_port": sound.sockets[0].getsockname()[1],
        "expired_relay_port": expired.sockets[0].getsockname()[1],
        "relay_ca_path": str(folder / "ca.pem"),
        "relay_username": USERNAME,
        "relay_password": password,
    }
    print(json.dumps(facts), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
