# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A private Exim, unpacked rather than installed: as a Debian package it would push Postfix out.

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki

# smtp: STARTTLS offered, sign-in inside TLS. smtps: implicit TLS.
PURPOSES = ("smtp", "smtps")

CONFIGURATION = """\
exim_path = {program}
exim_user = Debian-exim
exim_group = Debian-exim
primary_hostname = exim.lab.test
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {ports[smtp]} : {ports[smtps]}
tls_on_connect_ports = {ports[smtps]}
tls_advertise_hosts = *
tls_certificate = {pki.relay.chain}
tls_privatekey = {pki.relay.key}
auth_advertise_hosts = ${{if eq{{$tls_in_cipher}}{{}}{{}}{{*}}}}
# No resolver, no ident: neither may hold up a greeting.
host_lookup =
rfc1413_hosts =
smtputf8_advertise_hosts = *
chunking_advertise_hosts = *
pipelining_advertise_hosts = *
dsn_advertise_hosts = *
prdr_enable = true
smtp_accept_max = 300
smtp_accept_queue_per_connection = 0
deliver_drop_privilege = true
keep_environment =
never_users =
acl_smtp_rcpt = rcpt
acl_smtp_data = accept
acl_smtp_data_prdr = prdr
tls_verify_certificates = {pki.ca}
tls_try_verify_hosts = *
domainlist local_domains = lab.test
domainlist swallowed_domains = discard.test

begin acl
rcpt:
  deny   recipients = full@lab.test
         message = 552 5.2.2 Mailbox full
  defer  recipients = temp@lab.test
         message = 451 4.3.0 Try again later
  accept recipients = user@lab.test : gone@lab.test
  deny   domains = +local_domains
         message = 550 5.1.1 Unknown user
  accept domains = +swallowed_domains
  accept authenticated = *
  deny   message = relay not permitted

prdr:
  deny   local_parts = refused
         message = 550 5.7.1 Not after all
  accept

begin routers
gone:
  driver = redirect
  domains = +local_domains
  local_parts = gone
  allow_fail
  data = :fail: 550 5.1.1 User unknown
mailboxes:
  driver = accept
  domains = +local_domains
  transport = maildir
# Nothing ever leaves this machine.
elsewhere:
  driver = accept
  transport = discard

begin transports
maildir:
  driver = appendfile
  directory = {maildir}
  maildir_format
  use_crlf
  create_directory
  user = Debian-exim
discard:
  driver = appendfile
  file = /dev/null
  user = Debian-exim

begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{{username}}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and{{{{eq{{$auth1}}{{{username}}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
cram_md5:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{{username}}}{{{password}}}fail}}
  server_set_id = $auth1
external:
  driver = external
  public_name = EXTERNAL
  server_advertise_condition = $tls_in_certificate_verified
  server_param2 = ${{certextract{{subject,CN}}{{$tls_in_peercert}}}}
  server_condition = ${{if eq{{$auth2}}{{$auth1}}}}
  server_set_id = $auth1
"""


class Exim(NamedTuple):
    host: str
    ports: dict[str, int]  # one for each of PURPOSES
    maildir: Path  # of user@lab.test
    log: Path


def find_exim() -> str:
    unpacked = os.environ.get("MAILCHECK_EXIM_ROOT")
    return servers.find_program(*([f"{unpacked}/usr/sbin/exim4"] if unpacked else []), "exim4")


@contextlib.contextmanager
def run_exim(folder: Path, pki: Pki) -> Iterator[Exim]:
    program = find_exim()
    servers.require_root("Debian-exim")
    exim = Exim(
        host=servers.HOST,
        ports=servers.free_ports(PURPOSES),
        maildir=folder / "mail" / servers.USERNAME,
        log=folder / "log" / "mainlog",
    )
    for name in ("spool", "log", "mail"):
        (folder / name).mkdir()
        shutil.chown(folder / name, "Debian-exim", "Debian-exim")
    for path in (exim.maildir, *(exim.maildir / part for part in ("new", "cur", "tmp"))):
        path.mkdir()
        shutil.chown(path, "Debian-exim", "Debian-exim")
    exim.log.touch()  # what Exim prints goes there too
    shutil.chown(exim.log, "Debian-exim", "Debian-exim")
    configuration = folder / "exim.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            pki=pki,
            program=program,
            username=servers.USERNAME,
            password=servers.PASSWORD,
            **exim._asdict(),
        )
    )
    with servers.running([program, "-C", str(configuration), "-bdf"], exim.ports["smtp"], exim.log):
        yield exim
