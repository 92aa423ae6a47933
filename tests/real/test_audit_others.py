# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Audits of an Exim and a Dovecot with faults: each table was written from the server's documentation, before anything
# ran. What is found shows a second way too: in the server's log, or to a client that is not ours. What no setting of
# theirs breaks is left to tests/hostile.

from __future__ import annotations

import contextlib
import smtplib
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.dovecot import Dovecot, run_dovecot
from ansible_collections.postmaster.mailcheck.tests.real.exim import PLANTED, Exim
from ansible_collections.postmaster.mailcheck.tests.real.pki import Pki
from ansible_collections.postmaster.mailcheck.tests.real.reports import Log
from ansible_collections.postmaster.mailcheck.tests.real.test_audit import KNOWN, active, told

pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1 is deprecated")  # which is why it is asked for

OUTSIDER = "127.0.0.1"
ELSEWHERE = "127.0.0.2"  # Dovecot takes a client on its own address for encrypted
NOBODY = "nobody.at.all@lab.test"

# Listener -> probe -> what it has to come to. Chapters are those of Exim's specification for 4.96.
EXIM = {
    # 44.2: what an ACL accepts at RCPT is taken for delivery, whoever asks for whomever.
    "open": {"relaying": "finding", "rcpt": "pass", "vrfy": "pass"},
    # 10.10: a host list names who is relayed for. To all others it is closed.
    "open_inside": {"relaying": "pass", "rcpt": "finding"},
    # 44.13: with an ACL that accepts, VRFY verifies by the routers, and EXPN expands by them; without one both are
    # refused.
    "verifying": {"vrfy": "finding", "expn": "finding", "relaying": "pass"},
    # 14, auth_advertise_hosts: to whom AUTH is offered, and who may use it. A wrong password is refused at once.
    "auth_in_clear": dict.fromkeys(("auth_offered_in_clear", "auth_begun_in_clear", "auth_attempts"), "finding"),
    # 44.4, drop: refuses, and ends the session.
    "few_tries": {"auth_attempts": "pass", "auth_offered_in_clear": "pass", "auth_begun_in_clear": "pass"},
    # 14, tls_advertise_hosts: who is offered STARTTLS. Then there is no certificate to be seen.
    "no_tls": {"starttls": "finding", "certificate": "unknown", "starttls_injection": "pass"},
    "expired": {"certificate": "finding", "starttls": "pass"},
    # 43.6: STARTTLS is offered whatever the certificate, and refused for now where that cannot be read.
    "broken_tls": {"starttls": "unknown", "certificate": "unknown"},
    # 43.4: GnuTLS' priorities. `NORMAL`, the default, has all versions; what is taken away is refused.
    "tls12": {"tls_versions": "pass"},
    "smtp": {"tls_versions": "finding", "vrfy": "pass", "expn": "pass", "recipient_limit": "pass", "relaying": "pass"},
    # 11.9, $rcpt_count: how many there were. RFC 5321 4.5.3.1.10 wants a hundred to be taken, and 452 for too many.
    "ten_recipients": {"recipient_limit": "finding", "rcpt": "finding"},
    "greylisting": {"rcpt": "unknown", "relaying": "unknown", "recipient_limit": "unknown"},
    "catch_all": {"rcpt": "pass", "vrfy": "pass", "relaying": "pass"},
    # 40: the challenge of its `spa` authenticator holds the domain that the client has said, and none of its own.
    "ntlm": {"ntlm_names": "pass"},
}  # fmt: skip

# Settings -> probe -> what it has to come to, by Dovecot's documentation of its settings (2.3).
DOVECOT = {
    # ssl = no: no STARTTLS, and so nothing to see of it. Passwords in clear are refused all the same.
    "ssl = no\n": {"starttls": "finding", "certificate": "unknown", "auth_begun_in_clear": "pass"},
    # disable_plaintext_auth = no: PLAIN and LOGIN are taken without TLS, if that is not required.
    "ssl = yes\ndisable_plaintext_auth = no\n": dict.fromkeys(
        ("auth_offered_in_clear", "auth_begun_in_clear"), "finding"
    ),
    # auth_failure_delay is 2 seconds by default, and nothing here.
    "": {"auth_attempts": "finding", "auth_offered_in_clear": "pass", "auth_begun_in_clear": "pass",
         "tls_versions": "pass", "certificate": "pass", "starttls": "pass"},
    "auth_failure_delay = 2 secs\n": {"auth_attempts": "pass"},
    # ssl_min_protocol is TLSv1.2 by default; OpenSSL 3 has the old ones at its lowest level of security.
    "ssl_min_protocol = TLSv1\nssl_cipher_list = ALL:@SECLEVEL=0\n": {"tls_versions": "finding"},
    # ssl_cipher_list is OpenSSL's; by default it excludes both.
    "ssl_cipher_list = eNULL:ALL:@SECLEVEL=0\n": {"unprotected_suites": "finding", "tls_versions": "pass"},
    "ssl_cipher_list = aNULL:ALL:@SECLEVEL=0\n": {"unprotected_suites": "finding"},
    "ssl_cert = <{pki.expired.chain}\nssl_key = <{pki.expired.key}\n": {"certificate": "finding", "starttls": "pass"},
    "ssl_cert = <{pki.wrong_name.chain}\nssl_key = <{pki.wrong_name.key}\n": {"certificate": "finding"},
}  # fmt: skip


def statuses(report: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["status"] for one in report["probes"]}


@contextlib.contextmanager
def by_hand(port: int, client: str, pki: Pki | None = None, **versions: ssl.TLSVersion) -> Iterator[smtplib.SMTP]:
    """A session of the standard library's client, under TLS where a `pki` is trusted."""
    with smtplib.SMTP(servers.HOST, port, "client.lab.test", 15, source_address=(client, 0)) as session:
        session.ehlo()
        if pki is not None:
            context = ssl.create_default_context(cafile=str(pki.ca))
            context.set_ciphers("ALL:@SECLEVEL=0")
            for name, version in versions.items():
                setattr(context, name, version)
            session.starttls(context=context)
            session.ehlo()
        yield session


# Exim


@pytest.mark.parametrize("listener", list(EXIM))
def test_what_is_planted_in_exim_is_found(listener: str, exim: Exim, pki: Pki) -> None:
    given = {"intensity": "intrusive", "probes": list(EXIM[listener])}
    report = active(exim.ports[listener], pki, OUTSIDER, **given)
    assert statuses(report) == EXIM[listener], told(report)


def test_each_fault_of_exim_has_its_row() -> None:
    assert set(EXIM) == {"smtp", *PLANTED}


def test_exim_relays_for_its_own_networks_alone(exim: Exim, pki: Pki) -> None:
    """From inside it is found, and told to be a suspicion: another place has to be asked."""
    report = active(exim.ports["open_inside"], pki, Log(exim.log).client, probes=["relaying"])
    (probed,) = report["probes"]
    assert (probed["status"], probed["proof"]) == ("finding", "none") and "ask from outside" in probed["text"]


def relays(session: smtplib.SMTP, exim: Exim) -> bool:
    """Whether a message for an address elsewhere is taken and carried: Exim's log has the delivery."""
    log = Log(exim.log, "by-hand.%d@elsewhere.test" % exim.ports["open"])
    session.sendmail("somebody@stranger.test", [log.client], "Subject: by hand\n\nWas it relayed?\n")
    return "R=elsewhere T=discard" in log.wait_for("=> ")


def verifies(session: smtplib.SMTP, _exim: Exim) -> bool:
    return session.verify(KNOWN)[0] == 250 and session.verify(NOBODY)[0] >= 500


def expands(session: smtplib.SMTP, _exim: Exim) -> bool:
    return session.expn(KNOWN)[0] == 250 and session.expn(NOBODY)[0] >= 500


def signs_in_without_tls(session: smtplib.SMTP, _exim: Exim) -> bool:
    return session.login(servers.USERNAME, servers.PASSWORD)[0] == 235


def has_no_starttls(session: smtplib.SMTP, _exim: Exim) -> bool:
    return not session.has_extn("starttls")


def takes_ten(session: smtplib.SMTP, _exim: Exim) -> bool:
    session.mail("somebody@stranger.test")
    return [session.rcpt(KNOWN)[0] for _number in range(11)] == [250] * 10 + [452]


def tells_at_rcpt(session: smtplib.SMTP, _exim: Exim) -> bool:
    session.mail("somebody@stranger.test")
    return [session.rcpt(address)[0] for address in (KNOWN, NOBODY)] == [250, 550]


# Listener and probe -> what a client that is not ours, or Exim's log, shows of it.
EXIM_BY_HAND: dict[tuple[str, str], Callable[[smtplib.SMTP, Exim], bool]] = {
    ("open", "relaying"): relays,
    ("open_inside", "rcpt"): tells_at_rcpt,
    ("verifying", "vrfy"): verifies,
    ("verifying", "expn"): expands,
    ("auth_in_clear", "auth_offered_in_clear"): lambda session, _exim: session.has_extn("auth"),
    ("auth_in_clear", "auth_begun_in_clear"): signs_in_without_tls,
    ("no_tls", "starttls"): has_no_starttls,
    ("ten_recipients", "recipient_limit"): takes_ten,
    ("ten_recipients", "rcpt"): tells_at_rcpt,
}
# Those that have a test of their own below.
BY_OTHER_MEANS = {("auth_in_clear", "auth_attempts"), ("expired", "certificate"), ("smtp", "tls_versions")}


@pytest.mark.parametrize("listener, probe", EXIM_BY_HAND)
def test_a_client_that_is_not_ours_finds_the_same_in_exim(listener: str, probe: str, exim: Exim) -> None:
    with by_hand(exim.ports[listener], OUTSIDER) as session:
        assert EXIM_BY_HAND[listener, probe](session, exim)


def test_each_finding_in_exim_is_shown_a_second_way() -> None:
    found = {(listener, name) for listener, row in EXIM.items() for name, status in row.items() if status == "finding"}
    assert found == {*EXIM_BY_HAND, *BY_OTHER_MEANS}


def test_exim_relays_by_hand_for_its_own_networks_and_for_nobody_else(exim: Exim) -> None:
    with by_hand(exim.ports["open_inside"], Log(exim.log).client) as session:
        assert relays(session, exim)
    with by_hand(exim.ports["open_inside"], OUTSIDER) as session, pytest.raises(smtplib.SMTPRecipientsRefused):
        relays(session, exim)


def test_exim_logs_each_password_that_was_tried(exim: Exim, pki: Pki) -> None:
    log = Log(exim.log)
    report = active(exim.ports["auth_in_clear"], pki, log.client, probes=["auth_attempts"], intensity="intrusive")
    assert log.wait_for("authenticator failed", 8).count("authenticator failed") == 8
    assert "8 wrong passwords in one session" in report["probes"][0]["text"]


def test_exim_refuses_tls_for_now_where_its_certificate_cannot_be_read(exim: Exim, pki: Pki) -> None:
    """By hand, and by its log."""
    log = Log(exim.log, "/nowhere.pem")
    with by_hand(exim.ports["broken_tls"], OUTSIDER) as session:
        assert session.has_extn("starttls") and session.docmd("STARTTLS")[0] == 454
    assert "TLS error" in log.wait_for("cert=/nowhere.pem")
    report = active(exim.ports["broken_tls"], pki, OUTSIDER, probes=["starttls"])
    assert "STARTTLS was answered 454 TLS currently unavailable, which is for now only" in report["probes"][0]["text"]
    assert (report["verdict"], report["cause"]) == ("not_checked", "nothing_settled")


def test_an_expired_certificate_of_exim_is_refused_by_hand(exim: Exim, pki: Pki) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"), by_hand(exim.ports["expired"], OUTSIDER, pki):
        pass


def test_exim_speaks_old_tls_by_hand_until_that_is_taken_away(exim: Exim, pki: Pki) -> None:
    old = {"minimum_version": ssl.TLSVersion.TLSv1, "maximum_version": ssl.TLSVersion.TLSv1}
    with by_hand(exim.ports["smtp"], OUTSIDER, pki, **old) as session:
        assert session.sock.version() == "TLSv1"  # type: ignore[union-attr]
    with pytest.raises(ssl.SSLError), by_hand(exim.ports["tls12"], OUTSIDER, pki, **old):
        pass


# Dovecot


@pytest.fixture(scope="module", params=list(DOVECOT))
def faulty(
    request: pytest.FixtureRequest, server_folder: Path, pki: Pki, mx_port: int
) -> Iterator[tuple[str, Dovecot]]:
    folder = server_folder / ("dovecot-%d" % list(DOVECOT).index(request.param))
    folder.mkdir()
    with servers.skip_where_unavailable(), run_dovecot(folder, pki, mx_port, request.param.format(pki=pki)) as server:
        yield request.param, server


def offers_no_starttls(port: int, _pki: Pki, _dovecot: Dovecot) -> bool:
    with by_hand(port, ELSEWHERE) as session:
        return not session.has_extn("starttls")


def begins_auth_in_clear(port: int, _pki: Pki, _dovecot: Dovecot) -> bool:
    with by_hand(port, ELSEWHERE) as session:
        begun = session.docmd("AUTH", "PLAIN")[0] == 334
        if begun:
            session.docmd("*")
        return begun


def offers_auth_in_clear(port: int, _pki: Pki, _dovecot: Dovecot) -> bool:
    with by_hand(port, ELSEWHERE) as session:
        return session.has_extn("auth")


def encrypts_or_shows_nothing(port: int, _pki: Pki, _dovecot: Dovecot) -> bool:
    """A handshake for suites without encryption, or without a certificate, and no others."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("eNULL:aNULL:@SECLEVEL=0")
    with by_hand(port, ELSEWHERE) as session:
        try:
            session.starttls(context=context)
        except ssl.SSLError:
            return False
        return session.sock.cipher() is not None  # type: ignore[union-attr]


def is_not_trusted(port: int, pki: Pki, _dovecot: Dovecot) -> bool:
    """Or there is no TLS, so that nothing could be trusted."""
    try:
        with by_hand(port, ELSEWHERE, pki):
            return False
    except (ssl.SSLCertVerificationError, smtplib.SMTPNotSupportedError):
        return True


def speaks_old_tls(port: int, pki: Pki, _dovecot: Dovecot) -> bool:
    try:
        with by_hand(port, ELSEWHERE, pki, minimum_version=ssl.TLSVersion.TLSv1,
                     maximum_version=ssl.TLSVersion.TLSv1) as session:  # fmt: skip
            return session.sock.version() == "TLSv1"  # type: ignore[union-attr]
    except ssl.SSLError:
        return False


BY_HAND: dict[str, Callable[[int, Pki, Dovecot], bool]] = {
    "starttls": offers_no_starttls,
    "auth_offered_in_clear": offers_auth_in_clear,
    "unprotected_suites": encrypts_or_shows_nothing,
    "auth_begun_in_clear": begins_auth_in_clear,
    "certificate": is_not_trusted,
    "tls_versions": speaks_old_tls,
}


def test_what_is_planted_in_dovecot_is_found_and_shows_by_hand(faulty: tuple[str, Dovecot], pki: Pki) -> None:
    settings, dovecot = faulty
    port = dovecot.ports["submission"]
    report = active(port, pki, ELSEWHERE, intensity="intrusive", probes=list(DOVECOT[settings]))
    assert statuses(report) == DOVECOT[settings], told(report)
    for name, status in DOVECOT[settings].items():
        if name in BY_HAND:
            assert BY_HAND[name](port, pki, dovecot) is (status != "pass"), name


def test_each_finding_in_dovecot_is_shown_a_second_way() -> None:
    found = {name for row in DOVECOT.values() for name, status in row.items() if status == "finding"}
    assert found == {*BY_HAND, "auth_attempts"}  # which its log shows


def test_dovecot_logs_how_many_passwords_were_tried(dovecot: Dovecot, pki: Pki) -> None:
    log = Log(dovecot.log, "rip=%s" % ELSEWHERE)
    given = {"intensity": "intrusive", "probes": ["auth_attempts"]}
    report = active(dovecot.ports["submission"], pki, ELSEWHERE, **given)
    assert statuses(report) == {"auth_attempts": "finding"}, told(report)
    log.wait_for("auth failed, 8 attempts")


@pytest.mark.parametrize("server", ["exim", "dovecot"])
def test_what_takes_a_bare_lf_for_the_end_of_a_command_does_so_by_hand(
    server: str, exim: Exim, dovecot: Dovecot, pki: Pki
) -> None:
    port = exim.ports["smtp"] if server == "exim" else dovecot.ports["submission"]
    client = OUTSIDER if server == "exim" else ELSEWHERE
    assert statuses(active(port, pki, client, probes=["bare_lf"])) == {"bare_lf": "finding"}
    with by_hand(port, client) as session:
        session.send(b"NOOP a\nNOOP b\r\n")
        assert [session.getreply()[0] for _one in range(2)] == [250, 250]
