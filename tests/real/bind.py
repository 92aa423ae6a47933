# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A private BIND that is authoritative for the MX records the tests ask for, and knows nothing else.

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import dns.exception
import dns.message
import dns.query

from ansible_collections.postmaster.mailcheck.tests.real import servers

CONFIGURATION = """\
options {{
  directory "{folder}";
  listen-on port {port} {{ 127.0.0.1; }};
  listen-on-v6 {{ none; }};
  recursion no;
  dnssec-validation no;
  pid-file "{folder}/named.pid";
  session-keyfile "{folder}/session.key";
}};
controls {{ }};
zone "lab.test" {{ type primary; file "{folder}/lab.zone"; check-names ignore; check-mx ignore; }};
zone "broken.test" {{ type primary; file "{folder}/not-there.zone"; }};  // SERVFAIL
"""
# The system's resolver knows none of these: what is found, BIND has told. The domain `many` names a relay twice, one
# with two addresses, one that is not there, and what no host can be called.
ZONE = """\
$TTL 300
@ IN SOA ns.lab.test. hostmaster.lab.test. 1 3600 600 86400 300
@ IN NS ns
@ IN MX 20 backup
@ IN MX 10 relay
ns IN A 127.0.0.1
relay IN A 127.0.0.1
backup IN A 127.0.0.2
second IN MX 5 RELAY
many IN MX 10 relay
many IN MX 10 both
many IN MX 10 gone
many IN MX 30 .
many IN MX 30 a\\032b
both IN A 127.0.0.11
both IN A 127.0.0.2
both IN A 127.0.0.1
nullmx IN MX 0 .
odd IN MX 10 bad\\027[2J{{7*7}}
odd IN MX 20 /run/relay.
odd IN MX 30 relay
implicit IN A 127.0.0.1
nothing IN TXT "neither MX nor address"
six IN MX 10 only6
only6 IN AAAA ::1
"""


class Bind(NamedTuple):
    address: str  # with its port, as `dns_servers` takes it


@contextlib.contextmanager
def run_bind(folder: Path) -> Iterator[Bind]:
    program = servers.find_program("named")
    port = servers.free_port()
    (folder / "lab.zone").write_text(ZONE)
    configuration = folder / "named.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
    command = [program, "-g", "-c", str(configuration)]
    with servers.running(command, port, folder / "log", ready=_answers):
        yield Bind(f"{servers.HOST}:{port}")


def _answers(port: int) -> bool:
    question = dns.message.make_query("lab.test", "MX")
    with contextlib.suppress(OSError, dns.exception.DNSException):
        return bool(dns.query.udp(question, servers.HOST, timeout=1, port=port).answer)
    return False
