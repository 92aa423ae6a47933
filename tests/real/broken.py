# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# For each profile a relay that keeps all of its rules, and for each of its rules one that breaks this rule alone: all
# of them listeners of one real Postfix, and for what Postfix cannot do, one behind a proxy that hides a keyword.

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import run_postfix
from ansible_collections.postmaster.mailcheck.tests.support.chains import issue

Settings = tuple[str, ...]

_SIGN_IN = ("smtpd_sasl_auth_enable = yes",)
_NO_OLD_TLS = ("smtpd_tls_protocols = >=TLSv1.2", "smtpd_tls_mandatory_protocols = >=TLSv1.2")
_OLD_TLS = ("smtpd_tls_protocols = >=TLSv1", "smtpd_tls_mandatory_protocols = >=TLSv1")
_NO_PASSWORD = "noanonymous, noplaintext"
# Refuses MAIL in clear as smtpd_tls_security_level = encrypt does, but leaves AUTH to other settings.
_MAIL_INSIDE_TLS = (
    "smtpd_tls_security_level = may",
    "smtpd_delay_reject = no",
    "smtpd_sender_restrictions = reject_plaintext_session",
    "plaintext_reject_code = 530",
)
_OPEN_RELAY = "smtpd_relay_restrictions = check_client_access static:OK, reject_unauth_destination"


def make_weak_certificate(folder: Path) -> str:
    """A self-signed certificate with an RSA key of 1024 bits; the path of a PEM file that holds both."""
    weak = issue(None, servers.HOST, key="RSA-1024", subject="weak.lab.test", days=(-1, 300))
    path = folder / "weak.pem"
    path.write_bytes(weak.key_pem() + weak.pem)
    return str(path)


def _settings(*settings: str) -> Settings:
    """The last of several settings of one name holds, as Postfix has it."""
    return tuple({setting.partition(" = ")[0]: setting for setting in settings}.values())


def relays(pki: Pki, weak: str) -> dict[str, dict[str, Settings]]:
    """Profile -> what it breaks (`""`: nothing) -> how its listener differs from the lab's plain relay."""
    soon = f"smtpd_tls_chain_files = {pki.seven_days.key}, {pki.seven_days.chain}"
    any_relay = {
        "": _NO_OLD_TLS,
        "tls_versions_refused": _OLD_TLS,
        "certificate_days_left": (*_NO_OLD_TLS, soon),
    }
    weak_key = {"public_key_min_bits": (*_NO_OLD_TLS, f"smtpd_tls_chain_files = {weak}")}
    on_port_25 = {
        **any_relay,
        "auth_absent_before_tls": (
            *_NO_OLD_TLS,
            *_SIGN_IN,
            f"smtpd_sasl_security_options = {_NO_PASSWORD}",
            "smtpd_sasl_tls_security_options = noanonymous",
        ),
        "auth_refused_in_clear": (*_NO_OLD_TLS, *_SIGN_IN),  # hidden by a proxy, see hide_auth()
        "relaying_refused": (*_NO_OLD_TLS, _OPEN_RELAY),
        "greeting_matches": (*_NO_OLD_TLS, "smtpd_banner = mail ESMTP"),
        "min_message_size": (*_NO_OLD_TLS, "message_size_limit = 10000"),
    }
    submission = (
        *_NO_OLD_TLS,
        *_SIGN_IN,
        "smtpd_tls_security_level = encrypt",
        "smtpd_tls_auth_only = yes",
        "smtpd_relay_restrictions = permit_sasl_authenticated, reject",
        "smtpd_discard_ehlo_keywords = etrn",
    )
    return {
        "modern-tls": {
            **any_relay,
            **weak_key,
            "tls_version_min": ("smtpd_tls_protocols = >=TLSv1.2, <=TLSv1.2",),
        },
        "relay": {**on_port_25, **weak_key},
        "mx": {**on_port_25, "capabilities_before_tls": ("smtpd_tls_security_level = none",)},
        "submission": {
            "": submission,
            "tls_required": (*submission, "smtpd_tls_security_level = may"),
            "tls_versions_refused": (*submission, *_OLD_TLS, "smtpd_tls_mandatory_ciphers = medium"),
            "certificate_days_left": (*submission, soon),
            "public_key_min_bits": (*submission, *weak_key["public_key_min_bits"]),
            "auth_absent_before_tls": (
                *submission,
                *_MAIL_INSIDE_TLS,
                "smtpd_tls_auth_only = no",
                f"smtpd_sasl_security_options = {_NO_PASSWORD}",
                "smtpd_sasl_tls_security_options = noanonymous",
            ),
            "auth_refused_in_clear": (*submission, *_MAIL_INSIDE_TLS, "smtpd_tls_auth_only = no"),
            "auth_mechanisms": (*submission, f"smtpd_sasl_tls_security_options = {_NO_PASSWORD}"),
            "auth_required": (
                *submission,
                "smtpd_relay_restrictions = permit_sasl_authenticated, check_client_access static:OK, reject",
            ),
            "capabilities": (*submission, "smtpd_discard_ehlo_keywords = etrn, dsn"),
            "capabilities_absent": (*submission, "smtpd_discard_ehlo_keywords ="),
        },
    }


def name_of(profile: str, rule: str) -> str:
    return f"{profile} {rule or 'keeps all'}"


@contextlib.contextmanager
def run_relays(folder: Path, pki: Pki, dovecot: Dovecot) -> Iterator[list[dict[str, Any]]]:
    """All of them, running; yields their rows for smtp_sweep, each with its profile."""
    known = relays(pki, make_weak_certificate(folder))
    cases = [(profile, rule) for profile, rules in known.items() for rule in rules]
    listeners = {name_of(profile, rule): _settings(*known[profile][rule]) for profile, rule in cases}
    with contextlib.ExitStack() as stack:
        postfix = stack.enter_context(run_postfix(folder, pki, dovecot, servers.free_port(), listeners))
        rows = []
        for profile, rule in cases:
            port = postfix.ports[name_of(profile, rule)]
            if rule == "auth_refused_in_clear":
                port = stack.enter_context(hide_auth(port))
            rows.append(_row(profile, rule, port))
        yield rows


def _row(profile: str, rule: str, port: int) -> dict[str, Any]:
    """With the options that let the check itself pass."""
    row: dict[str, Any] = {
        "host": servers.HOST,
        "port": port,
        "name": name_of(profile, rule),
        "profiles": [profile],
        "tls": "opportunistic" if profile == "mx" else "starttls",
    }
    if rule == "public_key_min_bits":
        # Below TLS 1.2 OpenSSL's level is lowered, or no such key would ever be seen.
        row.update(tls_min_version="TLSv1.1", validate_certs=False)
    return row


@contextlib.contextmanager
def hide_auth(port: int) -> Iterator[int]:
    """A proxy before the relay on `port` that takes AUTH out of what it says in clear; yields its own port."""
    with socket.create_server((servers.HOST, 0)) as listener:
        thread = threading.Thread(target=_accept, args=(listener, port))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10.0)


def _accept(listener: socket.socket, port: int) -> None:
    workers = []
    while True:
        try:
            client, _address = listener.accept()
        except OSError:  # shut down
            break
        relay = socket.create_connection((servers.HOST, port))
        in_clear = threading.Event()
        in_clear.set()
        for source, target, masked in ((client, relay, False), (relay, client, True)):
            workers.append(threading.Thread(target=_pass_on, args=(source, target, masked, in_clear)))
            workers[-1].start()
    for worker in workers:
        worker.join(10.0)


def _pass_on(source: socket.socket, target: socket.socket, masked: bool, in_clear: threading.Event) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            if not masked and data.startswith(b"\x16\x03"):
                in_clear.clear()  # a TLS handshake
            if masked and in_clear.is_set():
                # The last line of EHLO's answer is another: lines may be left out.
                data = b"".join(line for line in data.splitlines(True) if not line.startswith(b"250-AUTH"))
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)
    if masked:
        source.close()
        target.close()
