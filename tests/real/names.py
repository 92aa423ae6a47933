# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A DNS of our own: a BIND that is authoritative for a signed root and the zones below it, and an Unbound that asks it,
# and validates from the key of this root.

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import dns.exception
import dns.message
import dns.query

from ansible_collections.postmaster.mailcheck.tests.real import servers

BIND = """\
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
"""
ZONE = 'zone "{name}" {{ type primary; file "{file}"; check-names ignore; check-mx ignore; check-integrity no; }};\n'
UNBOUND = """\
server:
  directory: "{folder}"
  chroot: ""
  username: ""
  pidfile: "{folder}/unbound.pid"
  use-syslog: no
  interface: 127.0.0.1
  port: {port}
  do-not-query-localhost: no
  do-ip6: no
  trust-anchor-file: "{folder}/root.key"
  local-zone: "test." nodefault
  module-config: "validator iterator"
  ede: yes
remote-control:
  control-enable: no
"""
STUB = 'stub-zone:\n  name: "{name}"\n  stub-addr: 127.0.0.1@{port}\n'

HEAD = """\
$ORIGIN {origin}
$TTL 300
@ IN SOA ns.test. hostmaster.test. 1 3600 600 86400 60
@ IN NS ns.test.
"""
MAIL = """\
@ IN MX 10 mx
@ IN TXT "v=spf1 mx -all"
mx IN A 192.0.2.25
mx IN AAAA 2001:db8::25
"""
TLSA = "_25._tcp.mx IN TLSA 3 1 1 3536592db7bec9c5e35564529353d660008f77f1abb8ce8fdd39d10b0bec443e\n"
MANY = "".join(f"many IN MX {preference} a-relay-with-quite-a-long-name-{preference}\n" for preference in range(60))
SECURE = f"""\
{MAIL}{TLSA}{MANY}@ IN CAA 0 issue "ca.example"
nullmx IN MX 0 .
long IN TXT {" ".join('"' + "x" * 250 + '"' for _string in range(200))}
odd IN TXT "a\\027[2J" "\\255\\000" "<b>"
first IN CNAME second
second IN CNAME Third
third IN CNAME mx
elsewhere IN CNAME mx.insecure.test.
nowhere IN CNAME gone
loop1 IN CNAME loop2
loop2 IN CNAME loop1
deep.below.empty IN A 192.0.2.1
*.wild IN TXT "anything"
*.wild IN MX 10 mx
*.alias IN CNAME mx
exact.wild IN A 192.0.2.2
cut IN NS ns.cut
ns.cut IN A 192.0.2.53
"""


class Zone(NamedTuple):
    """A zone that BIND serves, and how it is signed."""

    records: str
    signed: bool = True
    delegated: str = "right"  # what the root says of its key: right, wrong, nothing
    options: Sequence[str] = ()  # of dnssec-signzone
    torn: str = ""  # a kind whose records have lost their signatures


ZONES = {
    "secure.test": Zone(SECURE),
    "insecure.test": Zone(MAIL + TLSA, signed=False),
    "unannounced.test": Zone(MAIL + TLSA, delegated="nothing"),
    "expired.test": Zone(MAIL + TLSA, options=("-s", "20200101000000", "-e", "20200201000000")),
    "mismatch.test": Zone(MAIL + TLSA, delegated="wrong"),
    "stripped.test": Zone(MAIL + TLSA, signed=False, delegated="wrong"),
    "torn.test": Zone(MAIL + TLSA, torn="TXT"),
    "partly.test": Zone(MAIL + "_tcp.mx IN NS ns.test.\n"),
}
LAME = "lame.test"  # the root says that BIND has it
REFUSING = "refusing.test"  # the same; asked for it, BIND says REFUSED
BROKEN = ("broken.test", "_tcp.mx.partly.test")  # BIND has lost their files: SERVFAIL


class Names(NamedTuple):
    """Addresses with their ports, as `dns_servers` takes them."""

    resolver: str  # Unbound: looks names up, and validates
    authority: str  # BIND: answers from its zones, and neither
    zone_file: Path  # of secure.test, as it was written
    folder: Path


@contextlib.contextmanager
def run_names(folder: Path) -> Iterator[Names]:
    named, unbound = servers.find_program("named"), servers.find_program("unbound")
    ports = servers.free_ports(["named", "unbound"])
    configuration = _write_zones(folder, ports["named"])
    (folder / "unbound.conf").write_text(UNBOUND.format(folder=folder, port=ports["unbound"]) + stubs(ports["named"]))
    bind = [named, "-g", "-c", str(configuration)]
    with servers.running(bind, ports["named"], folder / "named.log", ready=answers):
        command = [unbound, "-d", "-p", "-c", str(folder / "unbound.conf")]
        with servers.running(command, ports["unbound"], folder / "unbound.log", ready=answers):
            addresses = (f"{servers.HOST}:{ports[name]}" for name in ("unbound", "named"))
            yield Names(*addresses, folder / "secure.test.zone", folder)


def stubs(port: object) -> str:
    """What of Unbound's configuration says that BIND has all zones."""
    return "".join(STUB.format(name=name, port=port) for name in (".", *ZONES, REFUSING, *BROKEN))


def _write_zones(folder: Path, port: int) -> Path:
    """Write and sign the zones, the root last, since it announces the keys of the others."""
    root = HEAD.format(origin=".") + "ns.test. IN A 127.0.0.1\n"
    served = []
    for name, zone in ZONES.items():
        file = folder / f"{name}.zone"
        file.write_text(HEAD.format(origin=f"{name}.") + zone.records)
        root += f"{name}. IN NS ns.test.\n"
        if zone.delegated == "wrong":
            root += f"{name}. IN DS 12345 13 2 {'ab' * 32}\n"
        if zone.signed:
            announced = _sign(folder, name, zone.options)
            if zone.delegated == "right":
                root += announced
            file = folder / f"{name}.zone.signed"
        if zone.torn:
            lines = file.read_text().splitlines(True)
            kept = [line for line in lines if not re.search(rf"\sRRSIG\s+{zone.torn}\s", line)]
            assert len(kept) < len(lines)
            file.write_text("".join(kept))
        served.append((name, file))
    root += "".join(f"{name}. IN NS ns.test.\n" for name in (LAME, REFUSING, BROKEN[0]))
    (folder / "root.zone").write_text(root)
    _sign(folder, ".")
    served += [(".", folder / "root.zone.signed"), *((name, folder / "not-there.zone") for name in BROKEN)]
    configuration = folder / "named.conf"
    zones = [ZONE.format(name=name, file=file) for name, file in served]
    (folder / "refusing.zone").write_text(HEAD.format(origin=f"{REFUSING}.") + MAIL)
    zones.append(ZONE.format(name=REFUSING, file=folder / "refusing.zone").replace("{ ", "{ allow-query { none; }; "))
    configuration.write_text(BIND.format(folder=folder, port=port) + "".join(zones))
    return configuration


def _sign(folder: Path, name: str, options: Sequence[str] = ()) -> str:
    """Sign a zone with a key of its own; return the DS records of the key."""

    def run(program: str, *arguments: str) -> str:
        command = [servers.find_program(program), *arguments]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    file = "root.zone" if name == "." else f"{name}.zone"
    key = run("dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", "-f", "KSK", name).strip()
    public = (folder / f"{key}.key").read_text()
    with (folder / file).open("a") as zone:
        zone.write(public)
    run("dnssec-signzone", "-O", "full", "-P", "-z", "-o", name, *options, file, key)
    if name == ".":
        (folder / "root.key").write_text(public)
    return run("dnssec-dsfromkey", "-2", f"{key}.key")


def answers(port: int) -> bool:
    question = dns.message.make_query(".", "NS")
    with contextlib.suppress(OSError, dns.exception.DNSException):
        return bool(dns.query.udp(question, servers.HOST, timeout=1, port=port).answer)
    return False
