# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every mistake of a caller is refused before a socket opens, and the refusal names the option and what to do. In all
# of these tests no socket can be made.

from __future__ import annotations

import re
import socket
import traceback

import pytest
import trustme

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net import names as resolve
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.lookups import LookUps
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rows import DnsBounds, rows_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep_options import (
    SWEEP_OPTIONS,
    sweep_options,
)
from ansible_collections.postmaster.mailcheck.tests.support.mistakes import (
    CREDENTIALS,
    HOLES,
    HOST,
    MISTAKES,
    NOT_TEXT,
    PLACES,
    SECRETS,
    SEND,
    SWEEP_MISTAKES,
    Mistake,
    filled,
)

NOW = 1767225600.0


@pytest.fixture(autouse=True)
def no_socket(monkeypatch):
    def refuse(*_args, **_named):
        raise AssertionError("a socket is opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "socketpair", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(resolve, "look_up", refuse)


def assert_refused(mistake):
    given = dict(mistake.given)
    with pytest.raises(OptionError) as refusal:
        check(given.pop("host", HOST), **given)
    said = str(refusal.value)
    assert refusal.value.option == mistake.option
    assert said.startswith(mistake.option + ": ")
    assert mistake.says in said
    assert len(said) > len(mistake.option) + 10
    for secret in SECRETS:
        assert secret not in said


def refused(option, says="", **options):
    """Assert that `options` are refused by a message that names `option`, says what it must and shows no secret."""
    assert_refused(Mistake(option, options, says))


def accepted(host=HOST, **options):
    return build_request(host, options, NOW)


# Every mistake of the table


@pytest.mark.parametrize("mistake", MISTAKES, ids=["%s-%d" % (one.option, n) for n, one in enumerate(MISTAKES)])
def test_a_mistake_names_its_option(mistake):
    assert_refused(mistake)


@pytest.mark.parametrize("kind", NOT_TEXT)
@pytest.mark.parametrize("hole", HOLES, ids=["%s-%d" % (hole[0], n) for n, hole in enumerate(HOLES)])
def test_nothing_that_is_not_text_reaches_the_wire(hole, kind):
    for place in PLACES:
        assert_refused(filled(hole, place % NOT_TEXT[kind]))


def test_there_are_two_hundred_bad_inputs_and_some_for_every_option():
    assert len(HOLES) * len(NOT_TEXT) + len(MISTAKES) >= 200
    assert set(OPTIONS) <= {re.split(r"[.\[]", mistake.option)[0] for mistake in MISTAKES}


@pytest.mark.parametrize(
    "mistake", SWEEP_MISTAKES, ids=["%s-%d" % (one.option, n) for n, one in enumerate(SWEEP_MISTAKES)]
)
def test_a_sweep_names_the_row_as_well(mistake):
    with pytest.raises(OptionError) as refusal:
        sweep(tls="none", **mistake.given)
    assert str(refusal.value).startswith(mistake.option + ": ")


def test_check_and_sweep_refuse_before_any_socket_opens():
    with pytest.raises(OptionError, match=r"^sender: "):
        check(HOST, sender="a\r\nRCPT TO:<b>", tls="none")
    with pytest.raises(OptionError, match=r"^endpoints\[1\].sender: |^sender: "):
        sweep(endpoints=[{"host": HOST}, {"host": HOST, "sender": "a\r\n"}], tls="none")


# Defaults


def test_ports_by_tls_and_protocol():
    assert accepted().endpoint.port == 25
    assert accepted(tls="implicit").endpoint.port == 465
    assert accepted(protocol="lmtp").endpoint.port == 24
    assert accepted(port=65535).endpoint.port == 65535


@pytest.mark.parametrize("given, tls, told", [
    ({"port": 465}, "implicit", True),
    ({"port": 465, "tls": "implicit"}, "implicit", False),
    ({"port": 465, "tls": "starttls"}, "starttls", False),
    ({"port": 465, "protocol": "lmtp"}, "none", False),
    ({"tls": "implicit"}, "implicit", False),
    ({"port": 587}, "starttls", False),
])  # fmt: skip
def test_port_465_means_tls_from_the_first_octet(given, tls, told):
    """RFC 8314 7.3; whoever says otherwise is heard, and whoever says nothing is told."""
    request = accepted(**given)
    assert request.endpoint.tls == tls
    assert request.judging.warnings == (
        ("Port 465: TLS from the first octet (implicit), as the option tls says nothing else.",) if told else ()
    )


def test_times():
    assert accepted(retry_for=0).judging.retry_for == 0.0
    assert accepted(timeout=None).endpoint.timeout == 30.0


# Text that reaches the wire


@pytest.mark.parametrize(
    "address",
    ["anna@example.com", "a%b@example.com", "a!b", "postmaster", '"a b"@example.com', '"a\\"b> c"@example.com',
     "@relay.example:anna@example.com", "anna@[192.0.2.1]", "anna@[IPv6:2001:db8::1]", "jörg@exämple.com", "a@b@c",
     "anna+tag=x@example.com"],
)  # fmt: skip
def test_odd_addresses_pass_as_they_are(address):
    request = accepted(sender="", recipients=[address])
    assert request.actions.recipients == (address,)
    assert request.judging.warnings == ()


@pytest.mark.parametrize("address", ["a" * 65 + "@example.com", "a@" + "b" * 260, "ü" * 33 + "@example.com"])
def test_a_long_address_is_a_warning_only(address):
    request = accepted(sender=address)
    assert request.actions.sender == address
    assert "4.5.3.1" in request.judging.warnings[0]


@pytest.mark.parametrize(
    "name", ["client.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]", "localhost", "a_b.example"]
)
def test_ehlo_names_that_are_fine(name):
    assert accepted(ehlo_name=name).endpoint.ehlo_name == name


@pytest.mark.parametrize(
    "host_name, used", [("relay1.example.com", "relay1.example.com"), ("relay1", None), ("a b.c", None)]
)
def test_the_ehlo_name_is_the_hosts_own_where_it_is_a_full_name(monkeypatch, host_name, used):
    monkeypatch.setattr(socket, "gethostname", lambda: host_name)
    assert accepted().endpoint.ehlo_name == used


@pytest.mark.parametrize(
    "name", ["[2001:db8::1]", "[IPv6:192.0.2.1]", "[192.0.2.256]", "[relay]", "[IPv6:fe80::1%eth0]"]
)
def test_an_address_literal_is_written_as_the_standard_has_it(name):
    """RFC 5321 4.1.3: that of IPv6 has its tag."""
    with pytest.raises(OptionError, match=r"like \[192\.0\.2\.1\] or \[IPv6:") as error:
        accepted(ehlo_name=name)
    assert error.value.option == "ehlo_name"


# The host


@pytest.mark.parametrize(
    "host, used, verified",
    [
        ("relay.example.com", "relay.example.com", "relay.example.com"),
        ("relay.example.com.", "relay.example.com.", "relay.example.com"),
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1", "2001:db8::1"),
        ("[IPv6:2001:db8::1]", "2001:db8::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1%eth0", "fe80::1"),
        ("bücher.example", "xn--bcher-kva.example", "xn--bcher-kva.example"),
    ],
)
def test_hosts(host, used, verified):
    request = accepted(host)
    assert (request.endpoint.host, request.endpoint.tls_server_name) == (used, verified)


def test_a_unix_socket_is_for_lmtp():
    endpoint = accepted("/var/run/lmtp", protocol="lmtp").endpoint
    assert (endpoint.tls, endpoint.tls_server_name) == ("none", "")


def test_an_unknown_option_like_no_other_suggests_none():
    with pytest.raises(OptionError) as refusal:
        accepted(zzzz=1)
    assert "Did you mean" not in str(refusal.value)


def test_every_option_takes_nothing_for_its_default():
    assert accepted(**dict.fromkeys(OPTIONS)) == accepted()


# Options that go together


def test_the_null_reverse_path_is_a_sender():
    assert accepted(sender="", recipients=["anna@example.com"]).actions.sender == ""


def test_send_where_acceptance_is_expected():
    accepted(expect={"codes": {"rcpt": [250]}}, **SEND)


def test_a_message_that_is_not_sent_is_a_warning():
    assert "send is false" in accepted(test_message={"subject": "x"}).judging.warnings[0]


# Credentials


def test_credentials_in_clear():
    accepted(tls="none", allow_plaintext_auth=True, **CREDENTIALS)


def test_no_form_of_a_request_shows_a_secret():
    request = accepted(**CREDENTIALS)
    token = accepted(username="tim", access_token="sesametoken")
    for shown in (repr(request), str(request), "%s" % (request,), repr(token), repr(request.actions.credentials)):
        assert "sesame" not in shown


def test_no_form_of_a_policy_shows_a_secret(tmp_path):
    certificate = trustme.CA().issue_cert("client.example.org")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    request = accepted(client_cert=str(tmp_path / "client.pem"), client_key_password="sesame")
    assert "sesame" not in repr(request) + repr(request.endpoint.tls_policy)


# TLS


def test_no_ciphers_are_the_usual_ones():
    assert accepted(tls_ciphers="").endpoint.tls_policy.ciphers in ("", None)


def test_a_ca_file_that_is_missing(tmp_path):
    refused("ca_path", "Give a PEM file", ca_path=str(tmp_path / "none.pem"))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no certificate here\n",
        b"-----BEGIN CERTIFICATE-----\nbm9uZQ==\n-----END CERTIFICATE-----\n",
        b"-----BEGIN CERTIFICATE-----\n",
        b"-----BEGIN PRIVATE KEY-----\nbm9uZQ==\n-----END PRIVATE KEY-----\n",
        b"\x30\x82\x01\x00" + bytes(range(256)),
        "-----BEGIN CERTIFICATE-----\nä\n-----END CERTIFICATE-----\n".encode(),
    ],
)
def test_a_ca_file_without_a_certificate(tmp_path, content):
    (tmp_path / "ca.pem").write_bytes(content)
    refused("ca_path", "Give a PEM file", ca_path=str(tmp_path / "ca.pem"))


def test_a_folder_of_authorities(tmp_path):
    refused("ca_path", "holds no certificate", ca_path=str(tmp_path))
    (tmp_path / "java").mkdir()
    (tmp_path / "gone.pem").symlink_to(tmp_path / "nowhere")
    (tmp_path / "README").write_text("nothing of interest")
    refused("ca_path", "holds no certificate", ca_path=str(tmp_path))
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "ours.pem"))
    (tmp_path / "cafe0123.0").symlink_to(tmp_path / "ours.pem")
    accepted(ca_path=str(tmp_path / "."))


def test_a_ca_file_may_hold_more_than_certificates(tmp_path):
    authority = trustme.CA()
    pem = b"# our authority\n" + authority.private_key_pem.bytes() + authority.cert_pem.bytes()
    (tmp_path / "ca.pem").write_bytes(pem)
    assert accepted(ca_path=str(tmp_path / "ca.pem")).endpoint.tls_policy.ca_path == str(tmp_path / "ca.pem")
    assert accepted(ca_path=str(tmp_path)).endpoint.tls_policy.ca_path == str(tmp_path)


def test_a_ca_file_is_read_for_tls_only(tmp_path):
    assert accepted(tls="none", ca_path=str(tmp_path / "none.pem")).endpoint.tls_policy is None


def test_client_certificates(tmp_path):
    refused("client_cert", "No such file", client_cert=str(tmp_path / "none.pem"))
    certificate = trustme.CA().issue_cert("client.example.org")
    certificate.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    refused("client_cert", "usable pair", client_cert=str(tmp_path / "cert.pem"))
    (tmp_path / "empty.pem").write_bytes(b"")
    refused("client_cert", "usable pair", client_cert=str(tmp_path / "empty.pem"))


def test_a_mistake_is_told_each_time(tmp_path):
    """Contexts are kept by policy: a file that was mended since must be read anew, one that was not refused anew."""
    path = tmp_path / "ca.pem"
    path.write_bytes(b"")
    refused("ca_path", ca_path=str(path))
    refused("ca_path", ca_path=str(path))
    trustme.CA().cert_pem.write_to_path(str(path))
    accepted(ca_path=str(path))


# A message from a file


@pytest.mark.parametrize("content", [b"Subject: x\r\n\r\nbare\nLF\r\n", b"Subject: x\r\n\r\nbare\rCR\r\n"])
def test_a_raw_message_with_bare_line_ends(tmp_path, content):
    (tmp_path / "message.eml").write_bytes(content)
    options = {"file": str(tmp_path / "message.eml")}
    refused("test_message.file", "normalise_line_endings", test_message=options, **SEND)
    accepted(test_message=dict(options, normalise_line_endings=True), **SEND)


# A secret that was given in place of something else is in no error, and in no warning

ASTRAY = [
    "tanstaaf", "-tanstaaf", "/tanstaaf", "tanstaaf:x", "tanstaaf tanstaaf", "<tanstaaf@example.com>", "tanstaaf\n",
    "tänstaaf" * 40 + "tanstaaf", "smtp://tim:tanstaaf@relay.example.com", "(?P<tanstaaf&>x)", "\\tanstaaf", "tanstaaf" * 40,
    "-----BEGIN PRIVATE KEY-----\ntanstaaf\n", "tanstaaf\0", 73556822, -73556822.5,
]  # fmt: skip
WRONG = [*ASTRAY, *([one] for one in ASTRAY), *({"key": one} for one in ASTRAY), *([{"key": one}] for one in ASTRAY)]
# What makes the other options count.
AROUND = {"tls": "starttls", "sender": "a@example.com", "recipients": ["b@example.com"], "send": True}
PARTNERS = {"client_key": {"client_cert": __file__}}
INSIDE = [("expect", name) for name in RULES]
INSIDE += [("expect", "codes", "rcpt"), ("expect", "relaying_refused", "recipient")]
INSIDE += [(name, inner) for name, row in OPTIONS.items() for inner in row.get("options", ())]
INSIDE += [("test_message", "headers", "From"), ("mail_parameters", "XKEY"), ("xclient", "NAME")]


def around(path, value):
    for name in reversed(path):
        value = {name: value}
    return value


@pytest.mark.parametrize("path", [*((name,) for name in (*OPTIONS, *SWEEP_OPTIONS)), *INSIDE], ids=".".join)
def test_no_mistake_shows_a_value(path, monkeypatch):
    monkeypatch.setattr(LookUps, "__init__", lambda *_given: None)
    monkeypatch.setattr(LookUps, "run", lambda *_given: [])
    for value in WRONG:
        said = what_is_said(
            {"hosts": ["relay.example.com"], **AROUND, **PARTNERS.get(path[0], {}), **around(path, value)}
        )
        assert "tanstaaf" not in said and "73556822" not in said, (path, value)


def what_is_said(given):
    try:
        options = sweep_options(given)
        rows = rows_of(options, NOW, False, DnsBounds(options.own))
        return str([row.request.judging.warnings for row in rows])
    except OptionError as error:
        return "".join(traceback.format_exception(type(error), error, None))  # with what led to it
