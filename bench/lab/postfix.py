# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A Postfix for benchmarks: one listener on every address, many processes, mail for discard.test swallowed.
#
#   python postfix.py PORT COUNT     has so many clients at once, so that there are as many processes from then on

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.pki import IdentityFiles
from ansible_collections.postmaster.mailcheck.tests.real.postfix import SERVICES

PROCESSES = 300

MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
myhostname = relay.lab.test
inet_protocols = ipv4
mynetworks =
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
relay_domains = discard.test
relay_transport = discard
default_transport = discard
smtpd_relay_restrictions = reject_unauth_destination
message_size_limit = 41943040
smtpd_tls_security_level = may
smtpd_tls_chain_files = {identity.key}, {identity.chain}
# No look-ups and no limits, and processes that stay once there are enough: what is measured is the client.
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
default_process_limit = {processes}
smtpd_client_connection_count_limit = 0
max_idle = 1h
max_use = 100000
"""


@contextlib.contextmanager
def run_postfix(folder: Path, identity: IdentityFiles, inside: Sequence[str] = (), ready: int = 1) -> Iterator[int]:
    """Yield the port, free on every address, of a Postfix started by the command prefix `inside`.

    It has processes for so many clients at once from the beginning as `ready` says: none will wait for a fork.
    """
    program = servers.find_program("postfix")
    servers.require_root("postfix")
    port = servers.free_port()
    for name in ("queue", "data", "etc"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    main = MAIN.format(folder=folder, identity=identity, processes=PROCESSES)
    (folder / "etc/main.cf").write_text(main)
    (folder / "etc/master.cf").write_text(f"0.0.0.0:{port} inet n - n - - smtpd\n{SERVICES}")
    for configuration in (folder / "etc").iterdir():
        os.utime(configuration, (0, 0))  # Postfix sits out two seconds before it believes a new file
    command = [*inside, program, "-c", str(folder / "etc")]
    with (folder / "commands.log").open("ab") as output:
        quiet: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": output, "stderr": output}
        subprocess.run([*command, "start"], check=True, **quiet)  # it listens when this returns
        master = int((folder / "queue/pid/master.pid").read_text())
        try:
            subprocess.run([*inside, sys.executable, __file__, str(port), str(ready)], check=True)
            yield port
        finally:
            subprocess.run([*command, "stop"], check=False, **quiet)
            servers.end_group(master)


if __name__ == "__main__":
    clients = [socket.create_connection((servers.HOST, int(sys.argv[1]))) for _client in range(int(sys.argv[2]))]
    for client in clients:
        assert client.recv(512).startswith(b"220 ")
