# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A private Dovecot: the mailboxes (LMTP in; IMAP and POP3 out; Sieve files junk), sign-in for Postfix, and a submission service of its
# own that relays to Postfix.

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.introspection import run_introspection
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki

MECHANISMS = ("PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256")  # with a password
TOKEN_MECHANISMS = ("XOAUTH2", "OAUTHBEARER")
EXTERNAL = "EXTERNAL"  # with a client certificate, whose common name is the user; Postfix does not pass it on

# submission: STARTTLS, then sign-in; but Dovecot takes a client on its own address for encrypted, and offers
# it AUTH in clear: one that is to be refused comes from 127.0.0.2. auth: Dovecot's own protocol, for Postfix.
PURPOSES = ("submission", "submissions", "lmtp", "imap", "imaps", "pop3", "pop3s", "auth")

CONFIGURATION = """\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {log}
protocols = imap pop3 lmtp submission
listen = 127.0.0.1
ssl = required
ssl_cert = <{pki.relay.chain}
ssl_key = <{pki.relay.key}
disable_plaintext_auth = yes
auth_mechanisms = {mechanisms}
# A client certificate is asked for; none is required.
ssl_ca = <{pki.ca}
ssl_require_crl = no
ssl_verify_client_cert = yes
auth_ssl_username_from_cert = yes
# Wrong passwords are part of the tests: answer at the next beat of half a second, hold none against anyone.
auth_failure_delay = 0
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
mail_location = maildir:{folder}/mail/%u
mail_save_crlf = yes
mail_uid = dovecot
mail_gid = dovecot
first_valid_uid = 1
hostname = relay.lab.test
postmaster_address = postmaster@lab.test
mail_plugins = quota
plugin {{
  quota = maildir
  sieve_before = {folder}/sieve/before.sieve
}}
protocol lmtp {{
  mail_plugins = quota sieve
}}
namespace inbox {{
  inbox = yes
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
}}
passdb {{
  driver = static
  mechanisms = external
  args = nopassword=y
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = {folder}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  mechanisms = {password_mechanisms}
  args = username_format=%u {folder}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
  default_fields = uid=dovecot gid=dovecot home={folder}/mail/%u
}}
service auth {{
  inet_listener {{
    address = 127.0.0.1
    port = {ports[auth]}
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {ports[imap]}
  }}
  inet_listener imaps {{
    port = {ports[imaps]}
    ssl = yes
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {ports[pop3]}
  }}
  inet_listener pop3s {{
    port = {ports[pop3s]}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {ports[lmtp]}
  }}
  unix_listener {lmtp_socket} {{
    mode = 0666
  }}
}}
service submission-login {{
  inet_listener submission {{
    port = {ports[submission]}
  }}
  inet_listener submissions {{
    port = {ports[submissions]}
    ssl = yes
  }}
}}
submission_relay_host = 127.0.0.1
submission_relay_port = {relay_port}
submission_relay_trusted = no
"""

# The subject of what a filter would take for spam.
JUNK_SUBJECT = "buy now"
SIEVE = f"""\
require "fileinto";
if header :is "Subject" "{JUNK_SUBJECT}" {{
  fileinto "Junk";
}}
"""

OAUTH2 = """\
introspection_mode = post
introspection_url = http://127.0.0.1:{port}/introspect
username_attribute = username
active_attribute = active
active_value = true
"""

# full@lab.test takes RCPT over LMTP and is refused after the dot, as a mailbox over its quota is.
USERS = """\
user@lab.test:{PLAIN}secret::::::
full@lab.test:{PLAIN}secret::::::userdb_quota_rule=*:bytes=1
"""


class Dovecot(NamedTuple):
    host: str
    ports: dict[str, int]  # one for each of PURPOSES
    lmtp_socket: Path
    maildir: Path  # of user@lab.test
    log: Path


@contextlib.contextmanager
def run_dovecot(folder: Path, pki: Pki, relay_port: int, other: str = "") -> Iterator[Dovecot]:
    """Dovecot in `folder`, whose submission service hands mail to the relay on `relay_port`.

    `other`: settings that are to count instead of those above, since Dovecot takes the last.
    """
    program = servers.find_program("dovecot")
    servers.require_root("dovecot", "dovenull")
    dovecot = Dovecot(
        host=servers.HOST,
        ports=servers.free_ports(PURPOSES),
        lmtp_socket=folder / "lmtp",
        maildir=folder / "mail" / servers.USERNAME,
        log=folder / "dovecot.log",
    )
    introspection_port = servers.free_port()
    (folder / "users").write_text(USERS)
    (folder / "oauth2.conf").write_text(OAUTH2.format(port=introspection_port))
    (folder / "sieve").mkdir()
    (folder / "sieve" / "before.sieve").write_text(SIEVE)
    (folder / "mail").mkdir()
    for name in ("mail", "sieve"):
        shutil.chown(folder / name, "dovecot", "dovecot")
    configuration = folder / "dovecot.conf"
    configuration.write_text(
        CONFIGURATION.format(
            folder=folder,
            pki=pki,
            relay_port=relay_port,
            mechanisms=" ".join([*MECHANISMS, *TOKEN_MECHANISMS, EXTERNAL]).lower(),
            password_mechanisms=" ".join(MECHANISMS).lower(),
            **dovecot._asdict(),
        )
        + other
    )
    with run_introspection(introspection_port), servers.running(
        [program, "-F", "-c", str(configuration)], dovecot.ports["imap"], dovecot.log
    ):
        yield dovecot
