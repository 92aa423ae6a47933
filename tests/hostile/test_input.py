# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Bad options: each is refused before any socket opens, by an error that names the option. No host is ever asked for
# anything here: a request that were built would fail the test.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.check import check
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.options import OPTIONS, build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.sweep import sweep

if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, Tuple

HOST = "relay.example.com"
SEND: Dict[str, Any] = {"sender": "a@example.org", "recipients": ["b@example.com"], "send": True}
PROXY: Dict[str, Any] = {"source_address": "192.0.2.1"}
CONTROLS = {"CR": "\r", "LF": "\n", "CRLF": "\r\nRSET", "NUL": "\0", "ESC": "\x1b[2J", "DEL": "\x7f"}
# What stands for an octet that is not UTF-8, and cannot be written as UTF-8 again; and a control above ASCII.
NOT_TEXT = {"octet": "\udcff", "CSI": "\x9b2J"}

# option -> a value with a hole, and what else it needs. These reach the wire, each in its own way.
HOLES: Dict[str, Tuple[Any, Dict[str, Any]]] = {
    "host": ("relay%s.example.com", {}),
    "ehlo_name": ("client%s.example.org", {}),
    "tls_server_name": ("relay%s.example.com", {}),
    "source_address": ("192.0.2.1%s", {}),
    "sender": ("a%s@example.org", {}),
    "recipients": (["b%s@example.com"], {"sender": "a@example.org"}),
    "username": ("tim%s", {"password": "sesame"}),
    "password": ("sesame%s", {"username": "tim"}),
    "access_token": ("token%s", {"username": "tim"}),
    "extra_commands[0]": (["VRFY tim%s"], {}),
    "mail_parameters.BY": ({"BY": "1%s"}, {}),
    "mail_parameters": ({"BY%s": "1"}, {}),
    "xclient.NAME": ({"NAME": "client%s"}, {}),
    "dsn.envid": ({"envid": "id%s"}, {}),
    "proxy_protocol.source_address": ({"source_address": "2001:db8::1%%x%s"}, {}),
    "proxy_protocol.destination_address": (dict(PROXY, destination_address="2001:db8::1%%x%s"), {}),
    "test_message.headers": ({"headers": {"X-Test": "a%sb"}}, SEND),
    "test_message.subject": ({"subject": "a%sb"}, SEND),
    "expect.relaying_refused.recipient": (
        {"relaying_refused": {"recipient": "a%s@example.net", "control_recipient": "b@example.com"}},
        {},
    ),
}


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, str):
        return value % text if "%s" in value else value
    if isinstance(value, list):
        return [_filled(item, text) for item in value]
    if isinstance(value, dict):
        return {_filled(name, text): _filled(item, text) for name, item in value.items()}
    return value


def _top(option: str) -> str:
    return re.split(r"[.\[]", option)[0]


def _holes() -> Iterator[Any]:
    for option, (value, others) in HOLES.items():
        for name, text in {**CONTROLS, **NOT_TEXT}.items():
            yield pytest.param(option, dict(others, **{_top(option): _filled(value, text)}),
                               id="%s-%s" % (option, name))  # fmt: skip


# The option that the error names, and the options that are wrong together.
WRONG: Tuple[Tuple[str, Dict[str, Any]], ...] = (
    # names and types
    ("hots", {"hots": "relay"}),
    ("prot", {"prot": 25}),
    ("tls_verify", {"tls_verify": True}),
    ("message", {"message": {}}),
    ("port", {"port": "25"}),
    ("port", {"port": 25.0}),
    ("port", {"port": True}),
    ("port", {"port": 0}),
    ("port", {"port": -1}),
    ("port", {"port": 65536}),
    ("port", {"port": 10**30}),
    ("protocol", {"protocol": "esmtp"}),
    ("protocol", {"protocol": "SMTP"}),
    ("protocol", {"protocol": 1}),
    ("address_family", {"address_family": "ipv5"}),
    ("address_family", {"address_family": 4}),
    ("source_address", {"source_address": "eth0"}),
    ("source_address", {"source_address": "localhost"}),
    ("source_address", {"source_address": "192.0.2.1%eth0"}),
    ("source_address", {"source_address": "192.0.2.256"}),
    ("source_address", {"source_address": 1}),
    ("ehlo_name", {"ehlo_name": "two words"}),
    ("ehlo_name", {"ehlo_name": "-client.example.org"}),
    ("ehlo_name", {"ehlo_name": ""}),
    ("ehlo_name", {"ehlo_name": "münchen.example"}),
    ("ehlo_name", {"ehlo_name": "[192.0.2.1"}),
    ("ehlo_name", {"ehlo_name": ["a"]}),
    # TLS
    ("tls", {"tls": "ssl"}),
    ("tls", {"tls": "startls"}),
    ("tls", {"tls": True}),
    ("tls", {"tls": "none", "username": "tim", "password": "sesame"}),
    ("validate_certs", {"validate_certs": "no"}),
    ("validate_certs", {"validate_certs": 0}),
    ("ca_path", {"ca_path": "/nonexistent/ca.pem"}),
    ("ca_path", {"ca_path": "/dev/null"}),
    ("ca_path", {"ca_path": "/etc/hostname"}),
    ("ca_path", {"ca_path": "/proc/self/mem"}),
    ("ca_path", {"ca_path": "ca\0.pem"}),
    ("ca_path", {"ca_path": "ca\udcff\0.pem"}),
    ("ca_path", {"ca_path": 1}),
    ("tls_server_name", {"tls_server_name": "two words"}),
    ("tls_server_name", {"tls_server_name": ""}),
    ("tls_server_name", {"tls_server_name": "-"}),
    ("tls_server_name", {"tls_server_name": "relay..example.com"}),
    ("tls_server_name", {"tls_server_name": "a" * 64 + ".example.com"}),
    ("tls_server_name", {"tls_server_name": "ü" * 70 + ".example"}),
    ("tls_server_name", {"host": "/run/lmtp", "protocol": "lmtp", "tls": "starttls"}),
    ("tls_min_version", {"tls_min_version": "1.2"}),
    ("tls_min_version", {"tls_min_version": "SSLv3"}),
    ("tls_min_version", {"tls_min_version": 1.2}),
    ("tls_max_version", {"tls_max_version": "TLSv1.4"}),
    ("tls_max_version", {"tls_max_version": "TLSv1.1"}),
    ("tls_max_version", {"tls_min_version": "TLSv1.3", "tls_max_version": "TLSv1.2"}),
    ("tls_ciphers", {"tls_ciphers": "NO-SUCH-CIPHER"}),
    ("tls_ciphers", {"tls_ciphers": "ECDHE+AESGCM:@SECLEVEL=9"}),
    ("tls_ciphers", {"tls_ciphers": "ECDHE\0"}),
    ("tls_ciphers", {"tls_ciphers": "ECDHE\udcff"}),
    ("tls_ciphers", {"tls_ciphers": "ECDHE-ü"}),
    ("client_cert", {"client_cert": "/nonexistent/cert.pem"}),
    ("client_cert", {"client_cert": "/dev/null"}),
    ("client_cert", {"client_cert": "/"}),
    ("client_cert", {"client_cert": "cert\0.pem"}),
    ("client_cert", {"client_cert": "/etc/hostname", "client_key": "key\0.pem"}),
    ("client_key", {"client_key": "/etc/hostname"}),
    ("client_key_password", {"client_key_password": 1}),
    # signing in
    ("password", {"username": "tim"}),
    ("username", {"password": "sesame"}),
    ("username", {"access_token": "sesame"}),
    ("access_token", {"username": "tim", "password": "sesame", "access_token": "sesame"}),
    ("access_token", {"username": "tim", "access_token": "two words"}),
    ("access_token", {"username": "tim", "access_token": "tökén"}),
    ("password", {"username": "tim", "password": "sesame\n"}),
    ("password", {"username": "tim", "password": 12345}),
    ("username", {"username": 1, "password": "sesame"}),
    ("auth_mechanisms", {"auth_mechanisms": ["PLAIN"]}),
    ("auth_mechanisms", {"auth_mechanisms": ["PLIAN"], "username": "tim", "password": "sesame"}),
    ("auth_mechanisms", {"auth_mechanisms": ["GSSAPI"], "username": "tim", "password": "sesame"}),
    ("auth_mechanisms", {"auth_mechanisms": "PLAIN", "username": "tim", "password": "sesame"}),
    ("auth_mechanisms[0]", {"auth_mechanisms": [1], "username": "tim", "password": "sesame"}),
    ("auth_mechanisms[0]", {"auth_mechanisms": [None], "username": "tim", "password": "sesame"}),
    ("allow_plaintext_auth", {"allow_plaintext_auth": "yes"}),
    # the envelope
    ("sender", {"sender": 1}),
    ("sender", {"sender": "x" * 1000 + "@example.org"}),
    ("sender", {"sender": '"' + '\\"' * 100000}),
    ("sender", {"sender": "<a@example.org>"}),
    ("sender", {"sender": "a b@example.org"}),
    ("sender", {"sender": "a@example.org SIZE=1"}),
    ("sender", {"sender": 'x"a b"y z@example.org'}),
    ("sender", {"recipients": ["b@example.com"]}),
    ("recipients", {"sender": "a@example.org", "recipients": [""]}),
    ("recipients", {"sender": "a@example.org", "recipients": ["b@example.com> NOTIFY=NEVER"]}),
    ("recipients", {"sender": "a@example.org", "recipients": "b@example.com"}),
    ("recipients[0]", {"sender": "a@example.org", "recipients": [None]}),
    ("recipients[1]", {"sender": "a@example.org", "recipients": ["b@example.com", 1]}),
    ("recipients", {"sender": "a@example.org", "send": True}),
    ("send", {"send": "yes"}),
    ("send_if", {"send_if": "some"}),
    ("stop_after", dict(SEND, stop_after="rcpt")),
    ("stop_after", {"stop_after": "data"}),
    ("expect.codes.rcpt", dict(SEND, expect={"codes": {"rcpt": 550}})),
    ("dsn.notify[0]", {"dsn": {"notify": ["always"]}}),
    ("dsn.notify", {"dsn": {"notify": ["never", "failure"]}}),
    ("dsn.notify", {"dsn": {"notify": "never"}}),
    ("dsn.ret", {"dsn": {"ret": "headers"}}),
    ("dsn.envid", {"dsn": {"envid": "x" * 101}}),
    ("dsn.orcpt", {"dsn": {"orcpt": "yes"}}),
    ("dsn.notfy", {"dsn": {"notfy": []}}),
    ("dsn", {"dsn": "never"}),
    ("mail_parameters", {"mail_parameters": {"TWO WORDS": "1"}}),
    ("mail_parameters", {"mail_parameters": {"": "1"}}),
    ("mail_parameters", {"mail_parameters": {"-A": "1"}}),
    ("mail_parameters.X", {"mail_parameters": {"X": "a b"}}),
    ("mail_parameters.X", {"mail_parameters": {"X": "a=b"}}),
    ("mail_parameters.X", {"mail_parameters": {"X": ""}}),
    ("mail_parameters.X", {"mail_parameters": {"X": "ü"}}),
    ("mail_parameters.SIZE", {"mail_parameters": {"SIZE": "1"}}),
    ("mail_parameters.body", {"mail_parameters": {"body": "8BITMIME"}}),
    ("mail_parameters.SMTPUTF8", {"mail_parameters": {"SMTPUTF8": None}}),
    ("mail_parameters", {"mail_parameters": ["SIZE=1"]}),
    ("proxy_protocol.source_address", {"proxy_protocol": {}}),
    ("proxy_protocol.source_address", {"proxy_protocol": {"source_address": "client.example.org"}}),
    ("proxy_protocol.source_address", {"proxy_protocol": {"source_address": "fe80::1%eth0"}}),
    ("proxy_protocol.destination_address", {"proxy_protocol": dict(PROXY, destination_address="relay")}),
    ("proxy_protocol.source_port", {"proxy_protocol": dict(PROXY, source_port=65536)}),
    ("proxy_protocol.destination_port", {"proxy_protocol": dict(PROXY, destination_port=-1)}),
    ("proxy_protocol.version", {"proxy_protocol": dict(PROXY, version=3)}),
    ("proxy_protocol.version", {"proxy_protocol": dict(PROXY, version="2")}),
    ("proxy_protocol.verson", {"proxy_protocol": dict(PROXY, verson=2)}),
    ("xclient.FOO", {"xclient": {"FOO": "1"}}),
    ("xclient", {"xclient": "ADDR=192.0.2.1"}),
    ("extra_commands[0]", {"extra_commands": [""]}),
    ("extra_commands[0]", {"extra_commands": ["   "]}),
    ("extra_commands[0]", {"extra_commands": [None]}),
    ("extra_commands[1]", {"extra_commands": ["NOOP", "RCPT TO:<a@example.org>"]}),
    ("extra_commands[0]", {"extra_commands": ["VRFY ü"]}),
    ("extra_commands[0]", {"extra_commands": ["VRFY " + "x" * 510]}),
    ("extra_commands", {"extra_commands": "NOOP"}),
    *(("extra_commands[0]", {"extra_commands": ["%s x" % verb]}) for verb in
      ("AUTH", "bdat", "Data", "EHLO", "etrn", "HELO", "LHLO", "MAIL", "proxy", "QUIT", "RCPT", "RSET", "STARTTLS",
       "XCLIENT", "SEND", "SOML", "SAML", "TURN", "ATRN")),
    # the message
    ("test_message.headers", dict(SEND, test_message={"headers": {"two words": "x"}})),
    ("test_message.headers", dict(SEND, test_message={"headers": {"": "x"}})),
    ("test_message.headers", dict(SEND, test_message={"headers": {"X:": "x"}})),
    ("test_message.headers", dict(SEND, test_message={"headers": {"Content-Type": "text/html"}})),
    ("test_message.headers", dict(SEND, test_message={"headers": {"X": {"a": 1}}})),
    ("test_message.headers", dict(SEND, test_message={"headers": {"X": [None]}})),
    ("test_message.headers", dict(SEND, test_message={"headers": {"X" * 998: "x"}})),
    ("test_message.headers", dict(SEND, test_message={"headers": ["X: x"]})),
    ("test_message.body", dict(SEND, test_message={"body": "a\0b"})),
    ("test_message.body", dict(SEND, test_message={"body": "\udcff"})),
    ("test_message.body", dict(SEND, test_message={"body": 1})),
    ("test_message.html", dict(SEND, test_message={"html": "a\0b"})),
    ("test_message.subject", dict(SEND, test_message={"subject": "a\u2028b"})),
    ("test_message.file", dict(SEND, test_message={"file": "/nonexistent"})),
    ("test_message.file", dict(SEND, test_message={"file": "/"})),
    ("test_message.file", dict(SEND, test_message={"file": "/dev/zero"})),
    ("test_message.file", dict(SEND, test_message={"file": "a\0b"})),
    ("test_message.file", dict(SEND, test_message={"file": "/etc/hostname", "subject": "x"})),
    ("test_message.attachments[0]", dict(SEND, test_message={"attachments": [{}]})),
    ("test_message.attachments[0]", dict(SEND, test_message={"attachments": [None]})),
    ("test_message.attachments[0]", dict(SEND, test_message={"attachments": [{"path": "/a", "content": "x"}]})),
    ("test_message.attachments[0].path", dict(SEND, test_message={"attachments": [{"path": "/nonexistent"}]})),
    ("test_message.attachments[0].path", dict(SEND, test_message={"attachments": [{"path": "/dev/zero"}]})),
    ("test_message.attachments[0].filename",
     dict(SEND, test_message={"attachments": [{"content": "x", "filename": "a\r\nb"}]})),
    ("test_message.attachments[0].content_type",
     dict(SEND, test_message={"attachments": [{"content": "x", "content_type": "text/plain\r\nX: y"}]})),
    ("test_message.attachments[0].content_type",
     dict(SEND, test_message={"attachments": [{"content": "x", "content_type": "message/rfc822"}]})),
    ("test_message.attachments[0].content", dict(SEND, test_message={"attachments": [{"content": "\0"}]})),
    ("test_message.probe", dict(SEND, test_message={"probe": "virus"})),
    ("test_message.transfer_encoding", dict(SEND, test_message={"transfer_encoding": "base64"})),
    ("test_message.sbject", dict(SEND, test_message={"sbject": "x"})),
    # times
    *((name, {name: value}) for name in ("timeout", "connect_timeout", "acceptance_timeout", "retry_interval")
      for value in (0, -1, 86401, 10**400, float("nan"), float("inf"), "5", True)),
    *(("retry_for", {"retry_for": value}) for value in (-1, 86401, float("nan"), "5")),
    ("transcript", {"transcript": "sometimes"}),
    ("survey", {"survey": "yes"}),
    # expectations
    ("expect", {"expect": ["capabilities"]}),
    ("expect.capabilites", {"expect": {"capabilites": ["DSN"]}}),
    ("expect.1", {"expect": {1: 2}}),
    ("expect.capabilities", {"expect": {"capabilities": []}}),
    ("expect.capabilities", {"expect": {"capabilities": [1]}}),
    ("expect.capabilities", {"expect": {"capabilities": {"DSN": True}}}),
    ("expect.auth_mechanisms", {"expect": {"auth_mechanisms": [""]}}),
    ("expect.auth_absent_before_tls", {"expect": {"auth_absent_before_tls": "yes"}}),
    ("expect.tls_version_min", {"expect": {"tls_version_min": "1.2"}}),
    ("expect.tls_version_min", {"expect": {"tls_version_min": ["TLSv1.2"]}}),
    ("expect.tls_versions_refused", {"expect": {"tls_versions_refused": ["TLSv1.0"]}}),
    ("expect.tls_versions_refused", {"expect": {"tls_versions_refused": ["SSLv3"]}}),
    ("expect.certificate_days_left", {"expect": {"certificate_days_left": -1}}),
    ("expect.certificate_days_left", {"expect": {"certificate_days_left": "14"}}),
    ("expect.certificate_days_left", {"expect": {"certificate_days_left": float("nan")}}),
    ("expect.max_seconds", {"expect": {"max_seconds": float("inf")}}),
    ("expect.max_seconds", {"expect": {"max_seconds": True}}),
    ("expect.public_key_min_bits", {"expect": {"public_key_min_bits": "2048"}}),
    ("expect.public_key_min_bits", {"expect": {"public_key_min_bits": {"RSA": "2048"}}}),
    ("expect.public_key_min_bits", {"expect": {"public_key_min_bits": {"RSA": True}}}),
    ("expect.greeting_matches", {"expect": {"greeting_matches": "("}}),
    ("expect.greeting_matches", {"expect": {"greeting_matches": 5}}),
    ("expect.codes", {"expect": {"codes": 250}}),
    ("expect.codes.quit", {"expect": {"codes": {"quit": 221}}}),
    ("expect.codes.rcpt", {"expect": {"codes": {"rcpt": []}}}),
    ("expect.codes.rcpt", {"expect": {"codes": {"rcpt": 99}}}),
    ("expect.codes.rcpt", {"expect": {"codes": {"rcpt": [float("inf")]}}}),
    ("expect.codes.rcpt", {"expect": {"codes": {"rcpt": [10**400]}}}),
    ("expect.codes.rcpt", {"expect": {"codes": {"rcpt": ["5xx"]}}}),
    ("expect.relaying_refused", {"expect": {"relaying_refused": True}}),
    ("expect.relaying_refused", {"expect": {"relaying_refused": {"recipient": "a@example.net"}}}),
    ("expect.relaying_refused.foo",
     {"expect": {"relaying_refused": {"recipient": "a@b", "control_recipient": "c@d", "foo": 1}}}),
    ("expect.relaying_refused.recipient",
     {"expect": {"relaying_refused": {"recipient": "<a@b>", "control_recipient": "c@d"}}}),
    ("expect.relaying_refused.sender",
     {"expect": {"relaying_refused": {"recipient": "a@b", "control_recipient": "c@d", "sender": ["e"]}}}),
    # the host
    ("host", {"host": ""}),
    ("host", {"host": "   "}),
    ("host", {"host": "relay.example.com:587"}),
    ("host", {"host": "smtp://relay.example.com"}),
    ("host", {"host": "relay..example.com"}),
    ("host", {"host": "-relay.example.com"}),
    ("host", {"host": "a" * 64 + ".example.com"}),
    ("host", {"host": ".".join(["a" * 60] * 5)}),
    ("host", {"host": "ü" * 70 + ".example"}),
    ("host", {"host": "/run/lmtp"}),
    ("host", {"host": "/run/" + "x" * 200, "protocol": "lmtp"}),
    ("host", {"host": "[192.0.2.1"}),
    ("host", {"host": "192.0.2.1%eth0"}),
    ("host", {"host": "fe80::1%a b"}),
    ("host", {"host": "fe80::1%"}),
    ("host", {"host": "a b"}),
    ("host", {"host": "relay@example.com"}),
    ("host", {"host": None}),
    ("host", {"host": 25}),
)  # fmt: skip


def _refused(option: str, given: Dict[str, Any]) -> None:
    given = dict(given)
    host = given.pop("host", HOST)
    with pytest.raises(OptionError) as refused:
        build_request(host, given, 1767225600.0)
    assert refused.value.option == option
    assert str(refused.value).startswith(option + ": ")
    assert len(str(refused.value)) > len(option) + 10
    for secret in ("sesame", "tökén"):
        assert secret not in str(refused.value)


@pytest.mark.parametrize(("option", "given"), list(_holes()))
def test_case_56_nothing_that_is_not_text_reaches_the_wire(option: str, given: Dict[str, Any]) -> None:
    _refused(option, given)


@pytest.mark.parametrize(("option", "given"), WRONG, ids=["%s-%d" % (row[0], i) for i, row in enumerate(WRONG)])
def test_a_mistake_names_its_option(option: str, given: Dict[str, Any]) -> None:
    _refused(option, given)


def test_there_are_two_hundred_bad_inputs() -> None:
    assert len(list(_holes())) + len(WRONG) >= 200
    named = {_top(option) for option, _given in WRONG} | {_top(option) for option in HOLES}
    choiceless = {"chunking", "requiretls", "prdr"}  # booleans alike
    assert set(OPTIONS) - named == choiceless


@pytest.mark.parametrize("name", ["chunking", "requiretls", "prdr"])
def test_a_boolean_is_no_text(name: str) -> None:
    _refused(name, {name: "yes"})


def test_check_and_sweep_refuse_before_any_socket_opens(monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_values: Any, **_options: Any) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr("socket.socket", opened)
    monkeypatch.setattr("socket.socketpair", opened)
    with pytest.raises(OptionError, match=r"^sender: "):
        check(HOST, sender="a\r\nRCPT TO:<b>", tls="none")
    with pytest.raises(OptionError, match=r"^endpoints\[1\].sender: |^sender: "):
        sweep(endpoints=[{"host": HOST}, {"host": HOST, "sender": "a\r\n"}], tls="none")


# The option that the error names, and what a sweep is given.
SWEEPS: Tuple[Tuple[str, Dict[str, Any]], ...] = (
    ("hosts", {}),
    ("hosts[0]", {"hosts": ["relay.example.com:smtp"]}),
    ("hosts[0]", {"hosts": ["relay.example.com:" + "9" * 5000]}),
    ("hosts[0].port", {"hosts": ["relay.example.com:65536"]}),
    ("hosts[1].host", {"hosts": ["relay.example.com", ""]}),
    ("hosts[0].host", {"hosts": ["relay\r\n.example.com"]}),
    ("endpoints[0].host", {"endpoints": [{}]}),
    ("endpoints[0].host", {"endpoints": [{"host": "a b"}]}),
    ("endpoints[0].prot", {"endpoints": [{"host": HOST, "prot": 25}]}),
    ("endpoints[0].port", {"endpoints": [{"host": HOST, "port": 0}]}),
)


@pytest.mark.parametrize(("option", "given"), SWEEPS, ids=["%s-%d" % (row[0], i) for i, row in enumerate(SWEEPS)])
def test_a_sweep_names_the_row_as_well(option: str, given: Dict[str, Any]) -> None:
    with pytest.raises(OptionError) as refused:
        sweep(tls="none", **given)
    assert str(refused.value).startswith(option + ": ")
