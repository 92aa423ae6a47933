# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demonstration's relays, each on a free loopback port. All offer STARTTLS, and throw away what they take.

- `relay`: in order. It wants a sign-in, and takes mail for example.com.
- `expired_relay`: the same, but its certificate has expired.
- `smarthost`: in order. It takes mail for example.com from anybody.
- `deferring_relay`: puts every recipient off.
- `open_relay`: takes mail for anybody from anybody.

When they listen, one line of JSON on standard output says where and how to reach them: NAME_port for each. They stop
when standard input ends, so they never outlive the process that started them.
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
from typing import Any, Callable, NamedTuple

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USERNAME = "app@example.com"


class Relay(NamedTuple):
    """How one of them differs from the others."""

    days_left: int = 90
    sign_in: bool = False
    accepts: str = "@example.com"  # what a recipient ends in
    refusal: str = "554 5.7.1 <%s>: Relay access denied"


RELAYS = {
    "relay": Relay(sign_in=True),
    "expired_relay": Relay(days_left=-1, sign_in=True),
    "smarthost": Relay(days_left=60),
    "deferring_relay": Relay(
        days_left=20, accepts="@nowhere.invalid", refusal="451 4.7.1 <%s>: Greylisted, try again later"
    ),
    "open_relay": Relay(accepts=""),
}


class Mailboxes:
    """Answers RCPT and the end of DATA."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        # Every server has a postmaster, with or without a domain (RFC 5321 4.5.1).
        if not (address if "@" in address else address + "@example.com").endswith(self.relay.accepts):
            return self.relay.refusal % address
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


def server_context(ca: trustme.CA, days_left: int) -> ssl.SSLContext:
    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate = ca.issue_cert(
        "localhost", "127.0.0.1", not_before=now - 90 * day, not_after=now + days_left * day + day / 24
    )
    certificate.configure_cert(context)
    return context


async def listen(relay: Relay, context: ssl.SSLContext, password: str) -> asyncio.Server:
    def session() -> SMTP:
        return SMTP(
            Mailboxes(relay),
            hostname="relay.example.com",
            ident="ESMTP ready",
            tls_context=context,
            require_starttls=True,
            auth_required=relay.sign_in,
            authenticator=authenticator(password),
        )

    return await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)


async def main(folder: Path) -> None:
    logging.disable()  # a client that turns away is no news here
    ca = trustme.CA(organization_name="Demonstration CA")
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    password = secrets.token_urlsafe(12)
    facts = {
        "relay_ca_path": str(folder / "ca.pem"),
        "relay_username": USERNAME,
        "relay_password": password,
    }
    servers = []  # a server ends where nobody holds it
    for name, relay in RELAYS.items():
        server = await listen(relay, server_context(ca, relay.days_left), password)
        servers.append(server)
        facts[name + "_port"] = server.sockets[0].getsockname()[1]
    print(json.dumps(facts), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
