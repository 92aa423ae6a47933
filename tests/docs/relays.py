# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The relays that the documentation's examples talk to: every host below example.com is a relay with a certificate in
# its name, at ports 25, 465 and 587; a mailbox, at 993, to which all they take comes; and a name server with a few
# domains. They run word by word: a `sitecustomize` leads each name, and every name server, to a loopback port, and
# SSL_CERT_FILE makes the test's authority one of the system's.

from __future__ import annotations

import base64
import contextlib
import datetime
import json
import ssl
from pathlib import Path
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

import dns.rdatatype
import dns.zone
import trustme

from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import Folder, ImapServer, mail
from ansible_collections.postmaster.mailcheck.tests.support.name_server import NameServer, records
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running
from ansible_collections.postmaster.mailcheck.tests.support.scram import ScramServer

PASSWORD = "tanstaaftanstaaf"

SITECUSTOMIZE = """
import json, os, socket
_ports, _ask = json.loads(os.environ["MAILCHECK_TEST_PORTS"]), socket.getaddrinfo

def getaddrinfo(host, port, *rest, **more):
    name = host.decode() if isinstance(host, bytes) else host
    if port == 53:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", _ports["dns"]))]
    found = _ports.get("%s:%s" % (name, port))
    if name and (name.endswith(".example.com") or name in ("127.0.0.1", "192.0.2.25") and port in (25, 465, 587)):
        found = found or _ports["*:%s" % port]
    if found:
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("127.0.0.1", found))]
    return _ask(host, port, *rest, **more)

socket.getaddrinfo = getaddrinfo
"""


# Relays of providers that a page names: they have the same certificate, and take a token.
PROVIDERS = ("smtp.office365.com:587", "example-com.mail.protection.outlook.com:25", "smtp.gmail.com:587",
             "smtp-relay.gmail.com:587")  # fmt: skip

# Domains whose mail is in order, but that they have no MTA-STS and no TLSA records; and one without mail.
ZONE = """\
$TTL 300
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
@ IN MX 10 mx1
@ IN TXT "v=spf1 mx -all"
mx1 IN A 192.0.2.25
mail IN A 192.0.2.25
_dmarc IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@{domain}"
_smtp._tls IN TXT "v=TLSRPTv1; rua=mailto:tls@{domain}"
s1._domainkey IN TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
s2._domainkey IN TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
mail._domainkey IN TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
"""
OTHERS = {
    ("parked.example", "MX"): records("0 ."),
    ("parked.example", "TXT"): records('"v=spf1 -all"'),
    ("_dmarc.parked.example", "TXT"): records('"v=DMARC1; p=reject"'),
    ("25.2.0.192.in-addr.arpa", "PTR"): records("mx1.example.com."),
    ("2.0.0.127.bl.example.net", "A"): records("127.0.0.2"),  # a block list's test entry
}


def zone_text(domain: str) -> str:
    return "$ORIGIN %s.\n%s" % (domain, ZONE.replace("{domain}", domain))


def served(domain: str) -> Dict[Tuple[str, str], Callable[..., Any]]:
    """The zone of a domain as a name server of the tests has it."""
    zone = dns.zone.from_text(zone_text(domain), relativize=False)
    return {
        (name.to_text(True), dns.rdatatype.to_text(found.rdtype)): records(*(record.to_text() for record in found))
        for name, found in zone.iterate_rdatasets()
    }


class SignIn:
    """AUTH PLAIN and LOGIN succeed at once, SCRAM-SHA-256 when it has been gone through."""

    def __init__(self) -> None:
        self.server: Optional[ScramServer] = None

    def auth(self, line: str) -> str:
        words = line.split()
        if words[1].upper() != "SCRAM-SHA-256":
            return "235 2.7.0 Welcome\r\n"
        self.server = ScramServer(PASSWORD)
        return "334 %s\r\n" % base64.b64encode(self.server.challenge(base64.b64decode(words[2]))).decode()

    def proof(self, line: str) -> str:
        """A line that is no command: the client's final message, or the empty one that ends the exchange."""
        if not line:
            return "235 2.7.0 Welcome\r\n"
        if self.server is None:
            return "500 5.5.2 What?\r\n"
        final = base64.b64decode(line)
        if not self.server.is_proved_by(final):
            return "535 5.7.8 Wrong password\r\n"
        return "334 %s\r\n" % base64.b64encode(self.server.signature(final)).decode()


def recipient(line: str) -> str:
    """Its own domain's mailboxes, and the postmaster without a domain (RFC 5321 4.5.1)."""
    path = line.partition(":")[2].partition(" ")[0]
    ours = path.endswith(("@example.com>", "<postmaster>"))
    return "250 2.1.5 Ok\r\n" if ours else "554 5.7.1 %s: Relay access denied\r\n" % path


def relay(context: ssl.SSLContext, implicit: bool = False, mechanisms: str = "PLAIN LOGIN SCRAM-SHA-256") -> Relay:
    sign_in = SignIn()
    lines = ["relay.example.com", "PIPELINING", "ENHANCEDSTATUSCODES", "8BITMIME", "DSN", "SMTPUTF8", "SIZE 52428800"]
    lines += ["AUTH " + mechanisms]
    ehlo = "".join("250-%s\r\n" % line for line in lines[:-1]) + "250 %s\r\n" % lines[-1]
    answers = {"EHLO": ehlo, "AUTH": sign_in.auth, "RCPT": recipient, "*": sign_in.proof}
    return Relay(context, implicit, **answers)


def server_context(ca: trustme.CA, **validity: datetime.datetime) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = ["*.example.com", *(one.partition(":")[0] for one in PROVIDERS)]
    ca.issue_cert(*names, key_type=trustme.KeyType.ECDSA, **validity).configure_cert(context)
    return context


class Inbox(Folder):
    """Has every message that the relays have taken, in that order."""

    def __init__(self, relays: Iterable[Relay]) -> None:
        self._lines: List[str] = []
        super().__init__()
        for one in relays:
            one.content = self._lines

    @property
    def messages(self) -> Dict[int, bytes]:
        tokens = [line.split()[1] for line in self._lines if line.startswith("X-Mailcheck-Token: ")]
        return {uid: mail(token) for uid, token in enumerate(tokens, 1)}

    @messages.setter
    def messages(self, _messages: Dict[int, bytes]) -> None:
        """Relays alone bring messages."""

    @property
    def uidnext(self) -> int:
        return len(self.messages) + 1

    @uidnext.setter
    def uidnext(self, _uid: int) -> None:
        """It follows from the messages."""


@contextlib.contextmanager
def example_relays(folder: Path) -> Iterator[Dict[str, str]]:
    """Start the relays; yield the variables of an environment in which the examples find them."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "sitecustomize.py").write_text(SITECUSTOMIZE, encoding="utf-8")
    now = datetime.datetime.now(datetime.timezone.utc)
    good = server_context(ca, not_after=now + datetime.timedelta(days=90))
    old = server_context(ca, not_before=now - datetime.timedelta(days=9), not_after=now - datetime.timedelta(days=1))
    relays = {
        "*:25": relay(good),
        "*:587": relay(good),
        "*:465": relay(good, True),
        "expired.example.com:25": relay(old),
        **{name: relay(good, mechanisms="PLAIN XOAUTH2") for name in PROVIDERS},
    }
    relays["*:587"].submission = True
    with contextlib.ExitStack() as stack:
        names = {**served("example.com"), **served("example.org"), **OTHERS}
        ports: Dict[str, int] = {name: stack.enter_context(running(one)).port for name, one in relays.items()}
        ports["dns"] = stack.enter_context(NameServer(names)).port
        mailbox = ImapServer({"INBOX": Inbox(relays.values())}, context=good)
        ports["*:993"] = stack.enter_context(mailbox).port
        yield {
            "MAILCHECK_TEST_PORTS": json.dumps(ports),
            "SSL_CERT_FILE": str(folder / "ca.pem"),
            "PYTHONPATH": str(folder),
        }
