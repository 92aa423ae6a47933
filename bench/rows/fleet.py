# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Relays by whole processes: the command `mailcheck`, nmap, check_smtp, swaks; on loopback, and 50 ms away.
#
# nmap speaks no TLS here, and is shown beside work in clear too. It is shown twice: as it finds SMTP on a port of any
# number (-sV), and told to run its script without finding out (`+smtp-commands`), which is the least it can do.

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Callable

from ansible_collections.postmaster.mailcheck.bench.lab.postfix import run_postfix
from ansible_collections.postmaster.mailcheck.bench.lab.slow_link import HOSTS, slow_link
from ansible_collections.postmaster.mailcheck.bench.rows.common import (
    Absent,
    Bench,
    Row,
    program,
    race,
    ratio_row,
    timed,
)

COUNT = 200
MAILCHECK = [sys.executable, "-m", "postmaster_mailcheck"]
SMTPLIB = (
    "import smtplib, ssl, sys; context = ssl.create_default_context(cafile=sys.argv[2]);"
    "relay = smtplib.SMTP('127.0.0.1', int(sys.argv[1])); relay._host = sys.argv[3]; relay.ehlo();"
    "relay.starttls(context=context); relay.ehlo(); print(relay.esmtp_features); relay.quit()"
)
OURS, NMAP, NMAP_SV, CHECK_SMTP, SWAKS = "mailcheck", "nmap +smtp-commands", "nmap -sV", "check_smtp -S", "swaks"


def one(bench: Bench) -> Iterator[Row]:
    """The same work by Python's own smtplib: a session with STARTTLS and a verified certificate."""
    with run_postfix(bench.subfolder("command"), bench.pki.relay) as port:
        ca, name = (str(value) for value in bench.tls_options().values())
        words = ["check", f"127.0.0.1:{port}", "--ca-path", ca, "--tls-server-name", name]
        contestants = {
            OURS: lambda: timed([*MAILCHECK, *words], "(?m)^passed", 1),
            "smtplib": lambda: timed([sys.executable, "-c", SMTPLIB, port, ca, name], "pipelining", 1),
        }
        race(1, contestants)
        yield ratio_row("one relay, STARTTLS", race(bench.runs, contestants), OURS, "smtplib", 0.9)


def in_clear(bench: Bench) -> Iterator[Row]:
    with run_postfix(bench.subfolder("clear"), bench.pki.relay, ready=COUNT) as port:
        yield from _compare(bench, f"{COUNT} in clear, loopback", "127.0.1.", port, (), {NMAP: 0.8}, "--tls", "none")


def loopback(bench: Bench) -> Iterator[Row]:
    work = f"{COUNT} STARTTLS, loopback"
    targets = {NMAP: 0.8, NMAP_SV: 0.8, CHECK_SMTP: 0.45, SWAKS: 0.08}
    with run_postfix(bench.subfolder("loopback"), bench.pki.relay, ready=COUNT) as port:
        yield from _compare(bench, work, "127.0.1.", port, (), targets)


def far_away(bench: Bench) -> Iterator[Row]:
    work = f"{COUNT} STARTTLS, 50 ms round trip"
    try:
        folder = bench.subfolder("far")
        with slow_link(0.05) as link, run_postfix(folder, bench.pki.relay, link.server, ready=COUNT) as port:
            targets = {NMAP: 0.25, NMAP_SV: 0.25, CHECK_SMTP: 0.15}
            yield from _compare(bench, work, HOSTS, port, link.client, targets)
    except (OSError, subprocess.CalledProcessError) as error:
        raise Absent(f"no namespaces with TUN devices here: {error}") from None


def _compare(
    bench: Bench, work: str, network: str, port: int, inside: Sequence[str], targets: dict[str, float], *words: str
) -> Iterator[Row]:
    """Rows against all of `targets` that are installed; `inside` is a command prefix for all, `words` are for ours."""
    hosts = [network + str(number) for number in range(1, COUNT + 1)]
    relays = json.dumps({"hosts": [f"{host}:{port}" for host in hosts], **bench.tls_options()})
    (bench.folder / "relays.json").write_text(relays, encoding="utf-8")
    command = [*inside, *MAILCHECK, "sweep", bench.folder / "relays.json", *words]

    def sweep() -> float:
        return timed(command, r"(?m)^passed", COUNT)

    contestants: dict[str, Callable[[], float]] = {OURS: sweep}
    rows = []
    for name, target in targets.items():
        try:
            contestants[name] = _peer(name, hosts, network, port, inside)
        except Absent as reason:
            rows.append(Row(work, "", str(reason), None, target))
    sweep()  # compiles what the next ones find compiled
    swaks = {name: contestants.pop(name) for name in [SWAKS] if name in contestants}
    times = race(bench.runs, contestants)
    # Ten seconds a run: three, beside three of ours.
    slow = race(3, {OURS: sweep, **swaks}) if swaks else {}
    for name, target in targets.items():
        if name in times or name in slow:
            rows.append(ratio_row(work, times if name in times else slow, OURS, name, target))
    yield from rows


def _peer(name: str, hosts: Sequence[str], network: str, port: int, inside: Sequence[str]) -> Callable[[], float]:
    """The command of a peer; what is counted in its output shows that it did its work on every host."""
    if name in (NMAP, NMAP_SV):
        how = ["--script", "+smtp-commands"] if name == NMAP else ["-sV", "--script", "smtp-commands"]
        command = [*inside, program("nmap"), "-Pn", "-n", "-p", port, *how, f"{network}1-{COUNT}"]
        return lambda: timed(command, r"smtp-commands:", COUNT)
    if name == CHECK_SMTP:
        one = [program("check_smtp", "/usr/lib/nagios/plugins"), "-S", "-H", "{}", "-p", port]
        expected = "SMTP OK"
    else:
        one = [program("swaks"), "--tls", "--quit-after", "HELO", "--helo", "bench.test", "--server", "{}"]
        one, expected = [*one, "--port", port], "TLS started"
    return lambda: timed([*inside, "xargs", "-P", 16, "-I{}", *one], expected, COUNT, "\n".join(hosts))
