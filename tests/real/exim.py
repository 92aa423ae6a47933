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

# smtp: STARTTLS offered, sign-in inside TLS. smtps: implicit TLS. The others are faults, or what mends one: Exim expands
# nearly every option for each session, so that the port decides.
PLANTED = (
    "open", "open_inside", "verifying", "auth_in_clear", "few_tries", "no_tls", "expired", "tls12", "ten_recipients",
    "greylisting", "catch_all", "ntlm", "broken_tls",
)  # fmt: skip
PURPOSES = ("smtp", "smtps", *PLANTED)
INSIDE = "127.9.0.0/16"  # the networks that `open_inside` relays for

CONFIGURATION = """\
exim_path = {program}
exim_user = Debian-exim
exim_group = Debian-exim
primary_hostname = exim.lab.test
spool_directory = {folder}/spool
log_file_path = {folder}/log/%slog
pid_file_path = {folder}/exim.pid
local_interfaces = 127.0.0.1
daemon_smtp_ports = {all_ports}
tls_on_connect_ports = {ports[smtps]}
tls_advertise_hosts = {tls_advertise_hosts}
tls_certificate = {tls_certificate}
tls_privatekey = {tls_privatekey}
tls_require_ciphers = {tls_require_ciphers}
auth_advertise_hosts = {auth_advertise_hosts}
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
acl_smtp_rcpt = {acl_smtp_rcpt}
acl_smtp_vrfy = {verifying}
acl_smtp_expn = {verifying}
acl_smtp_auth = {acl_smtp_auth}
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

open:
  accept

open_inside:
  accept hosts = {INSIDE}
  accept acl = rcpt

ten_recipients:
  defer  condition = ${{if >{{$rcpt_count}}{{10}}}}
         message = 452 4.5.3 Too many recipients
  accept acl = rcpt

greylisting:
  defer  message = 451 4.7.1 Greylisted, come again

catch_all:
  accept domains = +local_domains
  accept acl = rcpt

few_tries:
  drop   condition = ${{if >{{${{eval:0$acl_c_tries}}}}{{2}}}}
         message = Too many tries
  accept set acl_c_tries = ${{eval:0$acl_c_tries+1}}

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
  local_parts = user
  transport = maildir
# Nothing ever leaves this machine.
elsewhere:
  driver = accept
  domains = !+local_domains
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
ntlm:
  driver = spa
  public_name = NTLM
  server_advertise_condition = ${{if eq{{$received_port}}{{{ports[ntlm]}}}}}
  server_password = ${{if eq{{$auth1}}{{{username}}}{{{password}}}fail}}
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


def _by_port(ports: dict[str, int], usual: str, **at: str) -> str:
    """An option that is another at some listeners: an expansion (Exim's specification, 11)."""
    for purpose, value in at.items():
        usual = f"${{if eq{{$received_port}}{{{ports[purpose]}}}{{{value}}}{{{usual}}}}}"
    return usual


def _options(ports: dict[str, int], pki: Pki) -> dict[str, str]:
    acls = {name: name for name in ("open", "open_inside", "ten_recipients", "greylisting", "catch_all")}
    return {
        "all_ports": " : ".join(str(port) for port in ports.values()),
        "tls_advertise_hosts": _by_port(ports, "*", no_tls=""),
        "tls_certificate": _by_port(
            ports, str(pki.relay.chain), expired=str(pki.expired.chain), broken_tls="/nowhere.pem"
        ),
        "tls_privatekey": _by_port(ports, str(pki.relay.key), expired=str(pki.expired.key)),
        "tls_require_ciphers": _by_port(ports, "NORMAL", tls12="NORMAL:-VERS-TLS1.0:-VERS-TLS1.1"),
        "auth_advertise_hosts": _by_port(ports, "${if eq{$tls_in_cipher}{}{}{*}}", auth_in_clear="*"),
        "acl_smtp_rcpt": _by_port(ports, "rcpt", **acls),
        "verifying": _by_port(ports, "", verifying="accept"),
        "acl_smtp_auth": _by_port(ports, "accept", few_tries="few_tries"),
    }


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
            INSIDE=INSIDE,
            username=servers.USERNAME,
            password=servers.PASSWORD,
            **_options(exim.ports, pki),
            **exim._asdict(),
        )
    )
    with servers.running([program, "-C", str(configuration), "-bdf"], exim.ports["smtp"], exim.log):
        yield exim
