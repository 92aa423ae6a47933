# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# How mail arrives: over a second Postfix, with TLS and in clear; signed by one OpenDKIM and verified by another; bounced by
# Exim. And what may happen to a mailbox of Dovecot's meanwhile.

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail
from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.opendkim import (
    AUTHSERV_ID,
    BROKEN,
    GOOD,
    REVOKED,
    OpenDkim,
    run_opendkim,
)
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix, run_postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import Check, Report
from ansible_collections.postmaster.mailcheck.tests.real.test_mailbox import LONG, Wait, client_of, mail, send, wait
from ansible_collections.postmaster.mailcheck.tests.support.name_server import NameServer, records, refusal

__all__ = ["wait"]  # the fixture

CLIENT = {"ADDR": "192.0.2.7", "NAME": "client.example.net"}  # whom XCLIENT names: not of this host


class Route(NamedTuple):
    """A second Postfix, before the one that has the mailboxes."""

    ports: dict[str, int]
    opendkim: OpenDkim


@pytest.fixture(scope="module")
def route(server_folder: Path, pki: Pki, dovecot: Dovecot, postfix: Postfix) -> Iterator[Route]:
    (server_folder / "opendkim").mkdir()
    (server_folder / "route").mkdir()
    trusting = "smtpd_authorized_xclient_hosts = 127.0.0.1"
    store = f"[127.0.0.1]:{postfix.ports['mx']}"
    with servers.skip_where_unavailable(), run_opendkim(server_folder / "opendkim") as opendkim:
        verifying = servers.free_port()
        listeners = {
            "clear": (trusting, f"content_filter = smtp:{store}"),
            "encrypted": (trusting, f"content_filter = smtptls:{store}"),
            "signing": (
                f"smtpd_milters = inet:127.0.0.1:{opendkim.signing}",
                f"content_filter = smtp:[127.0.0.1]:{verifying}",
            ),
            "unsigned": (f"content_filter = smtp:[127.0.0.1]:{verifying}",),
        }
        more = {name: ("myhostname = hop.lab.test", *settings) for name, settings in listeners.items()}
        receiver = {
            "verifying": (f"smtpd_milters = inet:127.0.0.1:{opendkim.verifying}", f"myhostname = {AUTHSERV_ID}")
        }
        with run_postfix(
            server_folder / "route", pki, dovecot, servers.free_port(), {**more, **receiver}, {"verifying": verifying}
        ) as hop:
            yield Route(hop.ports, opendkim)


# Hops


@pytest.mark.parametrize("listener, second", [("clear", False), ("encrypted", True)])
@pytest.mark.parametrize("tls, first", [("none", False), ("starttls", True)])
def test_every_hop_tells_whether_it_was_encrypted(
    wait: Wait, check: Check, route: Route, listener: str, second: bool, tls: str, first: bool
) -> None:
    before = wait()
    sent = send(check, route.ports[listener], tls=tls, xclient=CLIENT)
    report = wait(sent=sent, since=before, expect={"tls_on_every_hop": True})
    hops = report["trace"]["hops"]
    assert [hop["by"] for hop in hops[:2]] == ["hop.lab.test", "relay.lab.test"]
    assert [hop["tls"] for hop in hops[:2]] == [first, second]
    assert (hops[0]["address"], hops[0]["local"], hops[1]["local"]) == (CLIENT["ADDR"], False, True)
    assert hops[0]["id"] == sent["message"]["queue_id"]
    # The second hop stays within this host, so the first decides.
    assert report["rules"][0]["outcome"] == ("met" if first else "unmet")
    assert report["trace"]["encrypted"] is first


# Signatures


@pytest.fixture
def keys(route: Route, monkeypatch: pytest.MonkeyPatch) -> Iterator[NameServer]:
    """What the DNS has of the keys, as dkimpy asks for it."""
    import dns.resolver

    with NameServer() as server:
        ours = dns.resolver.Resolver(configure=False)
        ours.nameservers, ours.port = ["127.0.0.1"], server.port
        monkeypatch.setattr(dns.resolver, "default_resolver", ours)
        for name, text in route.opendkim.published.items():
            parts = [text[at : at + 200] for at in range(0, len(text), 200)]
            server.zone[(name, "TXT")] = records(" ".join(f'"{part}"' for part in parts))
        yield server


def signed_by(wait: Wait, check: Check, port: int, domain: str) -> Report:
    before = wait()
    sent = check(port, sender=f"probe@{domain}", recipients=[servers.ACCEPTED], send=True)
    assert sent["verdict"] == "passed", sent["msg"]
    return wait(sent=sent, since=before, trusted_authserv_ids=[AUTHSERV_ID])


@pytest.mark.parametrize("domain, holds", [(GOOD, True), (BROKEN, False), (REVOKED, False)])
def test_a_signature_is_judged_by_the_receiver_and_by_ourselves(
    wait: Wait, check: Check, route: Route, keys: NameServer, domain: str, holds: bool
) -> None:
    pytest.importorskip("dkim", reason="dkimpy is installed on the controller's Python alone")
    report = signed_by(wait, check, route.ports["signing"], domain)
    found = report["authentication"]
    assert (found["state"], found["authserv_id"]) == ("present", AUTHSERV_ID), found
    assert (found["dkim"] == "pass") is holds, found
    assert found["reason"] == ""
    assert (report["dkim"]["state"], report["dkim"]["valid"], report["dkim"]["domain"]) == ("present", holds, domain)
    assert ("revoked" in report["dkim"]["reason"]) is (domain == REVOKED)


def test_where_the_name_server_fails_we_do_not_judge_what_the_receiver_has(
    wait: Wait, check: Check, route: Route, keys: NameServer
) -> None:
    pytest.importorskip("dkim", reason="dkimpy is installed on the controller's Python alone")
    keys.zone[(f"s1._domainkey.{GOOD}", "TXT")] = refusal("SERVFAIL")
    report = signed_by(wait, check, route.ports["signing"], GOOD)
    assert (report["authentication"]["dkim"], report["dkim"]["state"]) == ("pass", "not_determined")


def test_mail_without_a_signature(wait: Wait, check: Check, route: Route) -> None:
    report = signed_by(wait, check, route.ports["unsigned"], "unsigned.test")
    assert report["dkim"]["state"] == "absent"
    assert report["authentication"]["dkim"] in (None, "none")


def test_results_that_the_sender_has_written_are_not_the_receivers(
    wait: Wait, check: Check, route: Route, tmp_path: Path
) -> None:
    """RFC 8601 5: the receiver removes them or sets its own above."""
    before = wait()
    message = {"headers": {"Authentication-Results": f"{AUTHSERV_ID}; dkim=pass header.d=example.com; spf=pass"}}
    sent = send(check, route.ports["unsigned"], test_message=message)
    found = wait(sent=sent, since=before, trusted_authserv_ids=[AUTHSERV_ID])["authentication"]
    assert (found["dkim"], found["spf"]) in ((None, None), ("none", None)), found


def test_results_of_a_message_that_came_straight(wait: Wait, check: Check, route: Route) -> None:
    """A milter of Postfix writes above the Received line of its server, where no sender can."""
    before = wait()
    signature = (
        f"v=1; a=rsa-sha256; d={GOOD}; s=s1; h=from; bh=AAAA; b=AAAA"  # does not hold: without one it writes nothing
    )
    sent = send(check, route.ports["verifying"], test_message={"headers": {"DKIM-Signature": signature}})
    report = wait(sent=sent, since=before, trusted_authserv_ids=[AUTHSERV_ID])
    found = report["authentication"]
    assert (found["state"], found["dkim"], found["reason"]) == ("present", "fail", ""), found
    assert report["warnings"] == []


def test_results_that_the_sender_has_written_for_a_server_that_checks_none(
    wait: Wait, check: Check, postfix: Postfix
) -> None:
    before = wait()
    message = {"headers": {"Authentication-Results": "relay.lab.test; dkim=pass header.d=example.com; spf=pass"}}
    sent = send(check, postfix.ports["mx"], test_message=message)
    found = wait(sent=sent, since=before, trusted_authserv_ids=["relay.lab.test"])["authentication"]
    assert (found["state"], found["dkim"]) == ("not_determined", None), found


# Exim


def test_a_bounce_of_exim(check: Check, exim: Exim) -> None:
    where = {"protocol": "maildir", "path": str(exim.maildir), "timeout": LONG, "poll_interval": 0.2}
    assert wait_for_mail(sent=send(check, exim.ports["smtp"]), **where)["found"] is True
    before = wait_for_mail(**where)
    sent = send(check, exim.ports["smtp"], servers.GONE)
    report = wait_for_mail(sent=sent, since=before, expect={"bounce": {"within": LONG}}, **where)
    assert report["verdict"] == "passed", report["msg"]
    bounce = report["bounce"]
    assert (bounce["action"], bounce["cause"]) == ("failed", "mailbox_unknown"), bounce
    assert (bounce["final_recipient"], bounce["reporting_mta"]) == (servers.GONE, "exim.lab.test")
    # Exim writes no Diagnostic-Code about what it refuses itself, and a Status that says nothing.
    assert (bounce["status"], bounce["diagnostic_code"]) == ("5.0.0", "550 5.1.1 User unknown")


# What happens to a mailbox


def test_a_folder_that_is_made_anew_while_the_mail_is_under_way(wait: Wait, dovecot: Dovecot, pki: Pki) -> None:
    token = "a" * 32
    with client_of(dovecot, pki) as client:
        client.create("Probes")
        client.append("Probes", "", None, mail("b" * 32))
        before = wait(folders=["Probes"])
        client.delete("Probes")
        client.create("Probes")
        client.append("Probes", "", None, mail(token))
        report = wait(token=token, since=before, folders=["Probes"], delete=True)
        client.delete("Probes")
    assert (report["found"], report["mailbox"], report["deleted"]) == (True, "Probes", 1)
    assert "UIDVALIDITY" in report["warnings"][0]


def test_a_folder_that_cannot_be_opened_is_not_told_as_one_without_the_mail(
    wait: Wait, dovecot: Dovecot, pki: Pki
) -> None:
    with client_of(dovecot, pki) as client:
        client.create("Locked")
    folder = dovecot.maildir / ".Locked"
    shutil.chown(folder, "root")
    folder.chmod(0o700)
    try:
        report = wait(token="c" * 32, folders=["Locked"], timeout=8)
    finally:
        shutil.chown(folder, "dovecot", "dovecot")
        with client_of(dovecot, pki) as client:
            client.delete("Locked")
    assert (report["verdict"], report["found"]) == ("unreachable", None), report["msg"]
    assert report["failure"]["cause"] == "mailbox_unavailable"
    assert "Locked" in report["failure"]["text"]


def test_a_server_that_says_goodbye_in_the_middle(wait: Wait, dovecot: Dovecot, pki: Pki) -> None:
    token = "d" * 32
    found: list[Report] = []
    before = wait()
    waiting = threading.Thread(target=lambda: found.append(wait(token=token, since=before)))
    waiting.start()
    configuration = str(dovecot.log.parent / "dovecot.conf")

    def kicked() -> bool:
        command = ["doveadm", "-c", configuration, "kick", servers.USERNAME]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        return "kicked connections" in ended.stdout and servers.USERNAME in ended.stdout

    servers.poll_until(kicked, LONG, "a session to end")
    with client_of(dovecot, pki) as client:
        client.append("INBOX", "", None, mail(token))
    waiting.join(LONG)
    (report,) = found
    assert report["found"] is True, report["msg"]


def test_a_mailbox_is_left_as_it_was(wait: Wait, check: Check, postfix: Postfix, dovecot: Dovecot, pki: Pki) -> None:
    """Nothing is marked as read, and what others have marked as deleted stays."""
    with client_of(dovecot, pki) as client:
        client.append("INBOX", "", None, mail("e" * 32))
        client.append("INBOX", r"(\Deleted)", None, mail("f" * 32))
        before = wait()
        sent = send(check, postfix.ports["mx"])
        assert wait(sent=sent, since=before, delete=True)["deleted"] == 1
        client.select("INBOX", readonly=True)
        for token, flags in (("e" * 32, ()), ("f" * 32, (rb"\Deleted",))):
            numbers = client.search(None, "HEADER", "X-Mailcheck-Token", token)[1][0].split()
            assert len(numbers) == 1
            shown = client.fetch(numbers[0].decode(), "(FLAGS)")[1][0]
            assert isinstance(shown, bytes) and b"Seen" not in shown
            assert all(flag in shown for flag in flags)
