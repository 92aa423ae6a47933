# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Every mistake of a caller is refused before a socket opens, and the refusal names the option and what to do. In all
# of these tests no socket can be made.

from __future__ import annotations

import math
import socket

import pytest
import trustme

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp import resolve
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.options import OPTIONS, build_request

NOW = 1767225600.0
ENVELOPE = {"sender": "probe@example.org", "recipients": ["anna@example.com"]}
SEND = dict(ENVELOPE, send=True)
CREDENTIALS = {"username": "tim", "password": "tanstaaftanstaaf"}


@pytest.fixture(autouse=True)
def no_socket(monkeypatch):
    def refuse(*_args, **_named):
        raise AssertionError("a socket is opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "socketpair", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(resolve, "look_up", refuse)


def refused(option, remedy="", host="relay.example.com", **options):
    """Assert that `options` are refused by a message that names `option` and says `remedy`."""
    with pytest.raises(OptionError) as error:
        check(host, **options)
    assert error.value.option == option
    assert str(error.value).startswith(option + ": ")
    assert remedy in str(error.value)
    assert "tanstaaf" not in str(error.value)
    return str(error.value)


def accepted(host="relay.example.com", **options):
    return build_request(host, options, NOW)


# Numbers


@pytest.mark.parametrize("port", [0, -1, 65536, 99999, 10**30])
def test_port_out_of_range(port):
    refused("port", "1 to 65535", port=port)


@pytest.mark.parametrize("port", ["25", 25.0, True, [25]])
def test_port_of_another_type(port):
    refused("port", "must be of type int", port=port)


def test_ports_by_tls_and_protocol():
    assert accepted().port == 25
    assert accepted(tls="implicit").port == 465
    assert accepted(protocol="lmtp").port == 24
    assert accepted(port=65535).port == 65535


@pytest.mark.parametrize("option", ["timeout", "connect_timeout", "acceptance_timeout", "retry_interval"])
@pytest.mark.parametrize("value", [0, 0.0, -1, -0.5, math.nan, math.inf, -math.inf, 1e9, 10**400])
def test_a_time_that_is_none(option, value):
    refused(option, "more than 0 and at most 86400", **{option: value})


@pytest.mark.parametrize("value", [-1, math.nan, math.inf, 10**400])
def test_retry_for(value):
    refused("retry_for", "seconds", retry_for=value)
    assert accepted(retry_for=0).retry_for == 0.0


@pytest.mark.parametrize("value", ["30", True, None, [30]])
def test_times_are_numbers(value):
    if value is None:
        assert accepted(timeout=None).timeout == 30.0
    else:
        refused("timeout", "must be of type float", timeout=value)


# Text that reaches the wire

CONTROLS = ["\r", "\n", "\r\n", "\0", "\x7f", "\x1b"]


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("place", ["%sx", "x%sy", "x%s"])
@pytest.mark.parametrize(
    "option, options",
    [
        ("ehlo_name", lambda text: {"ehlo_name": text}),
        ("sender", lambda text: {"sender": text + "@example.org"}),
        ("sender", lambda text: {"sender": "probe@" + text}),
        ("sender", lambda text: {"sender": '"%s"@example.org' % text}),
        ("recipients", lambda text: {"sender": "", "recipients": ["anna@example.com", text + "@example.com"]}),
        ("tls_server_name", lambda text: {"tls_server_name": text}),
        ("username", lambda text: {"username": text, "password": "p"}),
        ("password", lambda text: {"username": "tim", "password": "tanstaaf" + text}),
        ("access_token", lambda text: {"username": "tim", "access_token": "tanstaaf" + text}),
        ("auth_mechanisms", lambda text: dict(CREDENTIALS, auth_mechanisms=[text])),
        ("test_message.headers", lambda text: dict(SEND, test_message={"headers": {"X-A": text}})),
        ("test_message.headers", lambda text: dict(SEND, test_message={"headers": {text: "a"}})),
        ("test_message.subject", lambda text: dict(SEND, test_message={"subject": text})),
        ("mail_parameters.BY", lambda text: dict(ENVELOPE, mail_parameters={"BY": text})),
        ("mail_parameters", lambda text: dict(ENVELOPE, mail_parameters={text: "a"})),
        ("extra_commands[0]", lambda text: {"extra_commands": ["NOOP " + text]}),
        ("xclient.NAME", lambda text: {"xclient": {"NAME": text}}),
        ("source_address", lambda text: {"source_address": text}),
    ],
)
def test_no_control_character_reaches_the_wire(option, options, place, control):
    refused(option, **options(place % control))


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("place", ["%sx.example.com", "relay%s.example.com", "relay.example.com%s", "192.0.2.1%s"])
def test_no_control_character_in_the_host(place, control):
    refused("host", host=place % control)


@pytest.mark.parametrize("address", ["\ud800@example.com", "anna@\udcff", '"\udc80"@example.com'])
def test_octets_that_are_not_utf_8_are_no_address(address):
    refused("sender", sender=address)
    refused("recipients", sender="", recipients=[address])


@pytest.mark.parametrize(
    "address",
    ["<anna@example.com>", "anna@example.com SIZE=1", "a b@example.com", "anna@example.com> SIZE=1", "", "\u2028@x",
     'a b"c"@example.com', "a\u00a0b@example.com", "anna@example.com\t"],
)  # fmt: skip
def test_an_address_that_could_become_something_else(address):
    refused("recipients", sender="", recipients=[address])
    if address:
        refused("sender", sender=address)


@pytest.mark.parametrize(
    "address",
    ["anna@example.com", "a%b@example.com", "a!b", "postmaster", '"a b"@example.com', '"a\\"b> c"@example.com',
     "@relay.example:anna@example.com", "anna@[192.0.2.1]", "anna@[IPv6:2001:db8::1]", "jörg@exämple.com", "a@b@c",
     "anna+tag=x@example.com"],
)  # fmt: skip
def test_odd_addresses_pass_as_they_are(address):
    request = accepted(sender="", recipients=[address])
    assert request.recipients == (address,)
    assert request.warnings == ()


@pytest.mark.parametrize("address", ["a" * 65 + "@example.com", "a@" + "b" * 260, "ü" * 33 + "@example.com"])
def test_a_long_address_is_a_warning_only(address):
    request = accepted(sender=address)
    assert request.sender == address
    assert "4.5.3.1" in request.warnings[0]


@pytest.mark.parametrize(
    "name", ["", " ", "two words", "-relay", "relay-.", "a..b ", "[192.0.2.1", "relay.example.com>", "jörg.example"]
)
def test_ehlo_name(name):
    refused("ehlo_name", "address literal", ehlo_name=name)


@pytest.mark.parametrize(
    "name", ["client.example.org", "[192.0.2.1]", "[IPv6:2001:db8::1]", "localhost", "a_b.example"]
)
def test_ehlo_names_that_are_fine(name):
    assert accepted(ehlo_name=name).ehlo_name == name


@pytest.mark.parametrize(
    "host_name, used", [("relay1.example.com", "relay1.example.com"), ("relay1", None), ("a b.c", None)]
)
def test_the_ehlo_name_is_the_hosts_own_where_it_is_a_full_name(monkeypatch, host_name, used):
    monkeypatch.setattr(socket, "gethostname", lambda: host_name)
    assert accepted().ehlo_name == used


# The host


@pytest.mark.parametrize(
    "host",
    ["", " ", None, 25, "relay.example.com:25", "smtp://relay.example.com", "two words", "relay..example.com",
     "-a.example", "a" * 300, "user@relay.example.com", "[::1", "::1]", "1:2:3", "/var/run/lmtp", ".", "..", "é" * 300,
     "\ud800.example"],
)  # fmt: skip
def test_what_is_no_host(host):
    refused("host", host=host)


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
    assert (request.host, request.tls_server_name) == (used, verified)


def test_a_unix_socket_is_for_lmtp():
    assert accepted("/var/run/lmtp", protocol="lmtp").tls == "none"
    refused("host", "protocol lmtp", host="/var/run/lmtp")
    refused("tls_server_name", "needed", host="/var/run/lmtp", protocol="lmtp", tls="starttls")


@pytest.mark.parametrize("address", ["relay.example.com", "", "192.0.2", "192.0.2.1 "])
def test_source_address(address):
    refused("source_address", "no IP address", source_address=address)


@pytest.mark.parametrize("name", ["", "two words", "*.example.com", "a/b"])
def test_tls_server_name(name):
    refused("tls_server_name", "host name", tls_server_name=name)


# Unknown options and values


@pytest.mark.parametrize(
    "name, meant", [("sendr", "sender"), ("recipient", "recipients"), ("time_out", "timeout"), ("ca_paht", "ca_path")]
)
def test_an_unknown_option_suggests_the_nearest(name, meant):
    assert meant in refused(name, "there is no such option", **{name: "x"})


def test_an_unknown_option_like_no_other():
    assert "Did you mean" not in refused("zzzz", "no such option", zzzz=1)


@pytest.mark.parametrize(
    "option, value, meant",
    [
        ("tls", "startls", "starttls"),
        ("protocol", "smtps", "smtp"),
        ("address_family", "ipv44", "ipv4"),
        ("send_if", "al", "all"),
        ("stop_after", "helo", "ehlo"),
        ("tls_min_version", "TLS1.2", "TLSv1.2"),
        ("transcript", "allways", "always"),
    ],
)
def test_a_value_that_is_no_choice_suggests_one(option, value, meant):
    assert "Did you mean %s?" % meant in refused(option, "must be one of", **{option: value})


@pytest.mark.parametrize("value", ["yes", 1, 0, "true"])
def test_a_flag_is_true_or_false(value):
    refused("send", "must be of type bool", send=value)


@pytest.mark.parametrize(
    "option, value",
    [("recipients", "anna@example.com"), ("test_message", "hello"), ("expect", ["codes"]), ("sender", 1)],
)
def test_types(option, value):
    refused(option, "must be of type", **{option: value})


def test_types_within_lists_and_dicts():
    refused("recipients[1]", "must be of type str", sender="", recipients=["a@example.com", 5])
    refused("test_message.sbject", "Did you mean subject?", test_message={"sbject": "x"}, **SEND)
    refused(
        "test_message.attachments[0].pth", "Did you mean path?", test_message={"attachments": [{"pth": "x"}]}, **SEND
    )


def test_every_option_takes_nothing_for_its_default():
    assert accepted(**dict.fromkeys(OPTIONS)) == accepted()


# Options that go together


def test_recipients_without_a_sender():
    refused("sender", "'' is the null reverse-path", recipients=["anna@example.com"])
    assert accepted(sender="", recipients=["anna@example.com"]).sender == ""


@pytest.mark.parametrize("recipients", [None, []])
def test_send_without_recipients(recipients):
    refused("recipients", "needed to send", send=True, sender="probe@example.org", recipients=recipients)


def test_send_without_anything():
    refused("recipients", send=True)


@pytest.mark.parametrize("stage", ["greeting", "ehlo", "tls", "auth", "mail", "rcpt"])
def test_send_and_stop_after(stage):
    refused("stop_after", "send exclude", stop_after=stage, **SEND)


def test_send_where_a_refusal_is_expected():
    refused("expect.codes.rcpt", "Set send to false", expect={"codes": {"rcpt": [550]}}, **SEND)
    accepted(expect={"codes": {"rcpt": [250]}}, **SEND)


def test_a_message_that_is_not_sent_is_a_warning():
    assert "send is false" in accepted(test_message={"subject": "x"}).warnings[0]


# Credentials


def test_credentials_in_clear():
    refused("tls", "allow_plaintext_auth", tls="none", **CREDENTIALS)
    refused("tls", "allow_plaintext_auth", protocol="lmtp", **CREDENTIALS)
    accepted(tls="none", allow_plaintext_auth=True, **CREDENTIALS)


def test_half_of_the_credentials():
    refused("password", "access_token", username="tim")
    refused("username", "is needed", password="tanstaaf")
    refused("username", "is needed", access_token="tanstaaf")
    refused("access_token", "exclude each other", access_token="tanstaaf2", **CREDENTIALS)
    refused("auth_mechanisms", "username", auth_mechanisms=["PLAIN"])


@pytest.mark.parametrize("name, meant", [("PLIAN", "PLAIN"), ("SCRAM-SHA256", "SCRAM-SHA-256"), ("xouath2", "XOAUTH2")])
def test_an_unknown_mechanism(name, meant):
    assert "Did you mean %s?" % meant in refused("auth_mechanisms", "Known:", auth_mechanisms=[name], **CREDENTIALS)


def test_a_password_with_the_line_end_of_its_file():
    refused("password", "line end", username="tim", password="tanstaaf\n")


def test_no_form_of_a_request_shows_a_secret():
    request = accepted(**CREDENTIALS)
    token = accepted(username="tim", access_token="tanstaaftoken")
    for shown in (repr(request), str(request), "%s" % (request,), repr(token), repr(request.credentials)):
        assert "tanstaaf" not in shown


def test_no_form_of_a_policy_shows_a_secret(tmp_path):
    certificate = trustme.CA().issue_cert("client.example.org")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "client.pem"))
    request = accepted(client_cert=str(tmp_path / "client.pem"), client_key_password="tanstaaf")
    assert "tanstaaf" not in repr(request) + repr(request.tls_policy)


# TLS


def test_versions_the_wrong_way_round():
    refused("tls_max_version", "lower than tls_min_version", tls_min_version="TLSv1.3", tls_max_version="TLSv1.2")


@pytest.mark.parametrize("ciphers", ["NO-SUCH-CIPHER", "", "\0", "a\nb"])
def test_ciphers_that_openssl_does_not_know(ciphers):
    if ciphers:
        refused("tls_ciphers", "openssl ciphers", tls_ciphers=ciphers)
    else:
        assert accepted(tls_ciphers="").tls_policy.ciphers in ("", None)


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


def test_a_path_with_a_nul():
    refused("ca_path", ca_path="/tmp/a\0b")
    refused("client_cert", client_cert="/tmp/a\0b")


def test_a_ca_file_may_hold_other_things_too(tmp_path):
    authority = trustme.CA()
    pem = b"# our authority\n" + authority.private_key_pem.bytes() + authority.cert_pem.bytes()
    (tmp_path / "ca.pem").write_bytes(pem)
    assert accepted(ca_path=str(tmp_path / "ca.pem")).tls_policy.ca_path == str(tmp_path / "ca.pem")
    assert accepted(ca_path=str(tmp_path)).tls_policy.ca_path == str(tmp_path)


def test_a_ca_file_is_read_for_tls_only(tmp_path):
    assert accepted(tls="none", ca_path=str(tmp_path / "none.pem")).tls_policy is None


def test_client_certificates(tmp_path):
    refused("client_key", "client_cert", client_key="/tmp/key.pem")
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


# Expectations and the message are looked at as well


def test_an_unknown_rule_suggests_the_nearest():
    refused("expect.capabilites", "Did you mean capabilities?", expect={"capabilites": ["DSN"]})


@pytest.mark.parametrize(
    "options",
    [
        {"file": "/nonexistent/message.eml"},
        {"file": "/"},
        {"file": "a\0b"},
        {"attachments": [{"path": "/nonexistent"}]},
        {"attachments": [{}]},
        {"attachments": [{"path": "/etc/hostname", "content": "x"}]},
        {"body": "nul \0"},
        {"file": "/etc/hostname", "subject": "x"},
    ],
)
def test_a_message_that_cannot_be_made(options):
    with pytest.raises(OptionError) as error:
        check("relay.example.com", test_message=options, **SEND)
    assert error.value.option.startswith("test_message")


@pytest.mark.parametrize("content", [b"Subject: x\r\n\r\nbare\nLF\r\n", b"Subject: x\r\n\r\nbare\rCR\r\n"])
def test_a_raw_message_with_bare_line_ends(tmp_path, content):
    (tmp_path / "message.eml").write_bytes(content)
    options = {"file": str(tmp_path / "message.eml")}
    refused("test_message.file", "normalise_line_endings", test_message=options, **SEND)
    accepted(test_message=dict(options, normalise_line_endings=True), **SEND)
