# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A private Postfix: one master, and a listener on a port of its own for each way a relay can behave.

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple, Optional

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.greylist import Greylist, run_greylist
from ansible_collections.postmaster.mailcheck.tests.real.pki import IdentityFiles, Pki
from ansible_collections.postmaster.mailcheck.tests.support.ports import can_bind

SMALL_MESSAGE_SIZE = 10_000  # octets
BY_BOTH = ("mx", "open")  # listen on ::1 as well, on the same port, where there is IPv6

_NORMALIZING = ("smtpd_forbid_bare_newline = normalize", "smtpd_forbid_bare_newline_exclusions =")
_SIGN_IN = ("smtpd_sasl_auth_enable = yes", "smtpd_relay_restrictions = permit_sasl_authenticated, reject")


def _certificate(*identities: IdentityFiles) -> str:
    return "smtpd_tls_chain_files = " + ", ".join(f"{identity.key}, {identity.chain}" for identity in identities)


def _listeners(pki: Pki, greylist_port: int, mx_port: int) -> dict[str, tuple[str, ...]]:
    """Purpose to what differs from `mx`, the plain relay: STARTTLS offered, no sign-in, mail for lab.test."""
    tls_required = "smtpd_tls_security_level = encrypt"
    client_certificates = f"smtpd_tls_CAfile = {pki.ca}"
    return {
        "mx": (),
        "submission": (tls_required, "smtpd_tls_auth_only = yes", *_SIGN_IN),
        "submissions": ("smtpd_tls_wrappermode = yes", *_SIGN_IN),
        "auth_in_clear": ("smtpd_tls_security_level = none", *_SIGN_IN),
        "tls_required": (tls_required, "smtpd_tls_mandatory_protocols = >=TLSv1.2"),
        "expired": (_certificate(pki.expired),),
        "wrong_name": (_certificate(pki.wrong_name),),
        "seven_days": (_certificate(pki.seven_days),),
        "rsa_tls12": (_certificate(pki.rsa), "smtpd_tls_protocols = <=TLSv1.2"),
        "rsa_and_ecdsa": (_certificate(pki.rsa, pki.relay),),
        "own_preferences": (
            _certificate(pki.rsa, pki.relay),
            "tls_preempt_cipherlist = yes",
            "tls_eecdh_auto_curves = secp384r1",
        ),
        "client_certificate_asked": ("smtpd_tls_ask_ccert = yes", client_certificates),
        "client_certificate_required": (tls_required, "smtpd_tls_req_ccert = yes", client_certificates),
        "greylisting": (f"smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{greylist_port}",),
        "xclient": ("smtpd_authorized_xclient_hosts = 127.0.0.1",),
        "proxy_protocol": ("smtpd_upstream_proxy_protocol = haproxy",),
        "open": ("smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination", "mynetworks = 0.0.0.0/0"),
        # As Postfix itself has it, where no distribution says otherwise.
        "deferring": (
            "smtpd_relay_restrictions = permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination",
        ),
        "own_networks": (
            "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination",
            "mynetworks = 127.0.0.9",
        ),
        # What it takes for this domain Dovecot refuses: it bounces.
        "bouncing": ("relay_domains = bouncing.test",),
        "catch_all": ("virtual_mailbox_maps = static:x",),
        "tarpit": ("smtpd_delay_reject = no", "smtpd_client_restrictions = sleep 1"),
        "three_errors": ("smtpd_hard_error_limit = 3",),
        "proxied": (f"smtpd_proxy_filter = 127.0.0.1:{mx_port}",),
        "normalizing": _NORMALIZING,
        "straying": (*_NORMALIZING, "cleanup_service_name = straying"),
        "stripping": (*_NORMALIZING, "cleanup_service_name = stripping"),
        "rejecting": ("smtpd_forbid_bare_newline = reject", "smtpd_forbid_bare_newline_exclusions ="),
        "hardened": (
            "smtpd_tls_protocols = >=TLSv1.2",
            "disable_vrfy_command = yes",
            "smtpd_forbid_bare_newline = normalize",
            "smtpd_forbid_bare_newline_exclusions =",
        ),
        "silent": ("disable_vrfy_command = yes",),
        "ten_recipients": ("smtpd_recipient_limit = 10",),
        "small_messages": (f"message_size_limit = {SMALL_MESSAGE_SIZE}",),
    }


MAIN = """\
compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {log}
maillog_file_prefixes = {folder}
myhostname = relay.lab.test
mydomain = lab.test
inet_interfaces = loopback-only
inet_protocols = {protocols}
mynetworks =
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
# No resolver and no look-ups: none may hold up a reply.
smtpd_peername_lookup = no
smtp_dns_support_level = disabled
virtual_mailbox_domains = lab.test
virtual_mailbox_maps = inline:{{ {{user@lab.test = x}}, {{full@lab.test = x}}, {{temp@lab.test = x}}, {{gone@lab.test = x}},
  {{audit@elsewhere.test = outside/}} }}
virtual_mailbox_base = {folder}/virtual
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_transport = lmtp:inet:127.0.0.1:{dovecot.ports[lmtp]}
relay_domains = discard.test, sink.test, encrypt.sink.test, secure.sink.test
# Nothing ever leaves this machine: what is not for a mailbox here is swallowed, refused, or goes to a test's own server.
transport_maps = inline:{{ {{elsewhere.test = virtual:}}, {{bouncing.test = lmtp:inet:127.0.0.1:{dovecot.ports[lmtp]}}},
  {{sink.test = smtpmay:[127.0.0.1]:{sink_port}}}, {{encrypt.sink.test = smtptls:[127.0.0.1]:{sink_port}}},
  {{secure.sink.test = smtpsecure:[127.0.0.1]:{sink_port}}} }}
smtp_tls_CAfile = {ca}
relay_transport = discard
default_transport = discard
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access
  inline:{{ {{full@lab.test = 552 5.2.2 Mailbox full}}, {{temp@lab.test = 451 4.3.0 Try again later}} }}
smtpd_tls_security_level = may
{certificate}
smtpd_tls_loglevel = 1
smtpd_tls_received_header = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{dovecot.ports[auth]}
default_process_limit = 300
smtpd_client_connection_count_limit = 0
smtpd_client_event_limit_exceptions = 127.0.0.1, [::1]
smtpd_error_sleep_time = 0
"""

SERVICES = """\
pickup     unix       n - n 60    1 pickup
cleanup    unix       n - n -     0 cleanup
qmgr       unix       n - n 300   1 qmgr
tlsmgr     unix       - - n 1000? 1 tlsmgr
rewrite    unix       - - n -     - trivial-rewrite
bounce     unix       - - n -     0 bounce
defer      unix       - - n -     0 bounce
trace      unix       - - n -     0 bounce
flush      unix       n - n 1000? 0 flush
proxymap   unix       - - n -     - proxymap
proxywrite unix       - - n -     1 proxymap
smtp       unix       - - n -     - smtp
smtptls    unix       - - n -     - smtp
  -o smtp_tls_security_level=encrypt
smtpmay    unix       - - n -     - smtp -o smtp_tls_security_level=may
smtpsecure unix       - - n -     - smtp -o smtp_tls_security_level=secure
virtual    unix       - n n -     - virtual
straying   unix       n - n -     0 cleanup -o cleanup_replace_stray_cr_lf=no
stripping  unix       n - n -     0 cleanup -o message_strip_characters=\\0
showq      unix       n - n -     - showq
error      unix       - - n -     - error
retry      unix       - - n -     - error
discard    unix       - - n -     - discard
lmtp       unix       - - n -     - lmtp
anvil      unix       - - n -     1 anvil
scache     unix       - - n -     1 scache
postlog    unix-dgram n - n -     1 postlogd
"""


class Postfix(NamedTuple):
    host: str
    ports: dict[str, int]  # one for each purpose in _listeners
    ipv6: bool  # whether those of BY_BOTH listen on ::1 as well
    greylist: Greylist  # of the listener `greylisting`
    maildir: Path  # of user@lab.test, where Dovecot delivers
    outside: Path  # the Maildir of audit@elsewhere.test, for which only some listeners take mail
    sink_port: int  # where mail for sink.test goes
    log: Path

    def try_again(self) -> None:
        """Have what is in the queue tried once more, now."""
        self._run("postqueue", "-f")

    def forget(self) -> None:
        """Delete what waits in the queue."""
        self._run("postsuper", "-d", "ALL", "deferred")

    def _run(self, program: str, *words: str) -> None:
        command = [servers.find_program(program), "-c", str(self.log.parent / "etc"), *words]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True)


def _master(listeners: dict[str, tuple[str, ...]], ports: dict[str, int], ipv6: bool) -> str:
    addresses = {
        purpose: ["127.0.0.1", "[::1]"] if ipv6 and purpose in BY_BOTH else ["127.0.0.1"] for purpose in listeners
    }
    services = [
        f"{address}:{ports[purpose]} inet n - n - - smtpd" + "".join(f"\n  -o {{ {setting} }}" for setting in settings)
        for purpose, settings in listeners.items()
        for address in addresses[purpose]
    ]
    return "\n".join([*services, SERVICES])


def _postfix(program: str, folder: Path, command: str) -> None:
    """`postfix start` returns when the master has bound its listeners, `stop` when it is gone."""
    # Its children outlive it: they must not hold a pipe of ours open.
    with (folder / "commands.log").open("a+b") as output:
        ended = subprocess.run(
            [program, "-c", str(folder / "etc"), command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            check=False,
        )
        output.seek(0)
        assert ended.returncode == 0, f"postfix {command}: {ended.returncode}\n{output.read().decode()}"


@contextlib.contextmanager
def run_postfix(
    folder: Path,
    pki: Pki,
    dovecot: Dovecot,
    mx_port: int,
    more: Optional[dict[str, tuple[str, ...]]] = None,
    chosen: Optional[dict[str, int]] = None,
) -> Iterator[Postfix]:
    """Postfix in `folder`, sign-in and mailboxes by Dovecot, which in turn relays to `mx_port`.

    `more`: listeners; `chosen`: their ports, where one has to know another's.
    """
    program = servers.find_program("postfix")
    servers.require_root("postfix")
    greylist_port, sink_port = servers.free_port(), servers.free_port()
    listeners = {**_listeners(pki, greylist_port, mx_port), **(more or {})}
    ipv6 = can_bind("::1")
    given = {"mx": mx_port, **(chosen or {})}
    ports = {**servers.free_ports([purpose for purpose in listeners if purpose not in given]), **given}
    log = folder / "postfix.log"
    for name in ("queue", "data", "etc"):
        (folder / name).mkdir()
    shutil.chown(folder / "data", "postfix")
    outside = folder / "virtual" / "outside"
    for path in (outside.parent, outside, *(outside / part for part in ("new", "cur", "tmp"))):
        path.mkdir()
        os.chown(path, 65534, 65534)
    (folder / "etc" / "main.cf").write_text(
        MAIN.format(
            folder=folder,
            log=log,
            dovecot=dovecot,
            certificate=_certificate(pki.relay),
            ca=pki.ca,
            sink_port=sink_port,
            protocols="all" if ipv6 else "ipv4",
        )
    )
    (folder / "etc" / "master.cf").write_text(_master(listeners, ports, ipv6))
    for configuration in (folder / "etc").iterdir():
        # Postfix sits out two seconds before it believes a file that has just been written.
        os.utime(configuration, (0, 0))
    with run_greylist(greylist_port) as greylist:
        _postfix(program, folder, "start")
        master = int((folder / "queue" / "pid" / "master.pid").read_text())
        try:
            assert servers.read_greeting(mx_port).startswith(b"220 "), log.read_text()
            yield Postfix(servers.HOST, ports, ipv6, greylist, dovecot.maildir, outside, sink_port, log)
        finally:
            try:
                _postfix(program, folder, "stop")
            finally:
                servers.end_group(master)
