# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Bad options: what a caller may get wrong, the option that the refusal must name, and what it must say besides.
#
# Here is every mistake that can be written down in a line, for the unit tests (by check() and sweep()) and for the
# modules as Ansible runs them (tests/hostile/test_module_input.py). No host is ever asked for anything.

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any, Dict, List, Mapping, Tuple

HOST = "relay.example.com"
ENVELOPE: Dict[str, Any] = {"sender": "a@example.org", "recipients": ["b@example.com"]}
SEND: Dict[str, Any] = dict(ENVELOPE, send=True)
CREDENTIALS: Dict[str, Any] = {"username": "tim", "password": "sesame"}
PROXY: Dict[str, Any] = {"source_address": "192.0.2.1"}
SECRETS = ("sesame", "tökén")  # which no refusal may show


class Mistake(NamedTuple):
    """Options that are wrong together; `host` among them takes the place of HOST."""

    option: str  # that the refusal names
    given: Mapping[str, Any]
    says: str = ""


def each(option: str, values: Any, says: str = "", **others: Any) -> List[Mistake]:
    """Return a mistake for each value of one option; an option of a list or dictionary is named by the whole."""
    return [Mistake(option, dict(others, **{option: value}), says) for value in values]


_NO_NUMBER = "out of range: give a number from 1 to 65535"
_NO_TIME = "more than 0 and at most 86400"
_TIMES = (0, 0.0, -1, -0.5, 86401, 1e9, 10**400, math.nan, math.inf, -math.inf)
_TIMEOUTS = ("timeout", "connect_timeout", "acceptance_timeout", "retry_interval")
_ADDRESSES = (
    "<anna@example.com>", "anna@example.com SIZE=1", "a b@example.com", "anna@example.com> SIZE=1", "\u2028@x",
    'a b"c"@example.com', 'x"a b"y z@example.org', "a\u00a0b@example.com", "anna@example.com\t", "\ud800@example.com",
    "anna@\udcff", '"\udc80"@example.com', "x" * 1000 + "@example.org", '"' + '\\"' * 100000,
    "b@example.com> NOTIFY=NEVER", "<a@example.org>", "a b@example.org", "a@example.org SIZE=1",
)  # fmt: skip
_VERBS = (
    "AUTH", "bdat", "Data", "EHLO", "etrn", "HELO", "LHLO", "MAIL", "proxy", "QUIT", "RCPT", "RSET", "STARTTLS",
    "XCLIENT", "SEND", "SOML", "SAML", "TURN", "ATRN",
)  # fmt: skip

MISTAKES: List[Mistake] = [
    # names
    Mistake("hots", {"hots": "relay"}, "there is no such option"),
    Mistake("prot", {"prot": 25}, "there is no such option"),
    Mistake("tls_verify", {"tls_verify": True}, "there is no such option"),
    Mistake("message", {"message": {}}, "there is no such option"),
    Mistake("zzzz", {"zzzz": 1}, "there is no such option"),
    Mistake("sendr", {"sendr": "x"}, "there is no such option. Did you mean sender?"),
    Mistake("recipient", {"recipient": "x"}, "there is no such option. Did you mean recipients?"),
    Mistake("time_out", {"time_out": "x"}, "there is no such option. Did you mean timeout?"),
    Mistake("ca_paht", {"ca_paht": "x"}, "there is no such option. Did you mean ca_path?"),
    # the endpoint
    *each("port", (0, -1, 65536, 99999, 10**30), _NO_NUMBER),
    *each("port", ("25", 25.0, True, [25]), "must be of type int"),
    *each("protocol", ("esmtp", "SMTP", "smtps"), "must be one of"),
    Mistake("protocol", {"protocol": "smtps"}, "Did you mean smtp?"),
    *each("protocol", (1,), "must be of type str"),
    *each("address_family", ("ipv5", "ipv44"), "must be one of"),
    Mistake("address_family", {"address_family": "ipv44"}, "Did you mean ipv4?"),
    *each("address_family", (4,), "must be of type str"),
    *each(
        "source_address",
        ("relay.example.com", "", "192.0.2", "192.0.2.1 ", "eth0", "localhost", "192.0.2.1%eth0", "192.0.2.256"),
        "no IP address",
    ),
    *each("source_address", (1,), "must be of type str"),
    *each(
        "ehlo_name",
        ("", " ", "two words", "-relay", "relay-.", "a..b ", "[192.0.2.1", "relay.example.com>", "jörg.example",
         "-client.example.org", "münchen.example"),
        "address literal",
    ),
    *each("ehlo_name", (["a"],), "must be of type str"),
    *each("tls", ("ssl", "startls"), "must be one of"),
    Mistake("tls", {"tls": "startls"}, "Did you mean starttls?"),
    *each("tls", (True,), "must be of type str"),
    Mistake("tls", dict(CREDENTIALS, tls="none"), "allow_plaintext_auth"),
    Mistake("tls", dict(CREDENTIALS, protocol="lmtp"), "allow_plaintext_auth"),
    *each("validate_certs", ("no", 0), "must be of type bool"),
    *each("ca_path", ("/nonexistent/ca.pem", "/dev/null", "/etc/hostname"), "Give a PEM file"),
    *each("ca_path", ("/proc/self/mem", "ca\0.pem", "/tmp/a\0b", "ca\udcff\0.pem")),
    *each("ca_path", (1,), "must be of type path"),
    *each(
        "tls_server_name",
        ("", "two words", "*.example.com", "a/b", "-", "relay..example.com", "a" * 64 + ".example.com"),
        "host name",
    ),
    *each("tls_server_name", ("ü" * 70 + ".example",)),
    Mistake("tls_server_name", {"host": "/run/lmtp", "protocol": "lmtp", "tls": "starttls"}, "needed"),
    *each("tls_min_version", ("1.2", "SSLv3", "TLS1.2"), "must be one of"),
    Mistake("tls_min_version", {"tls_min_version": "TLS1.2"}, "Did you mean TLSv1.2?"),
    *each("tls_min_version", (1.2,), "must be of type str"),
    *each("tls_max_version", ("TLSv1.4",), "must be one of"),
    *each("tls_max_version", ("TLSv1.1",), "lower than tls_min_version"),
    *each("tls_max_version", ("TLSv1.2",), "lower than tls_min_version", tls_min_version="TLSv1.3"),
    *each("tls_ciphers", ("NO-SUCH-CIPHER", "\0", "a\nb"), "openssl ciphers"),
    *each("tls_ciphers", ("ECDHE+AESGCM:@SECLEVEL=9", "ECDHE\0", "ECDHE\udcff", "ECDHE-ü")),
    *each("client_cert", ("/nonexistent/cert.pem",), "No such file"),
    *each("client_cert", ("/dev/null", "/", "cert\0.pem", "/tmp/a\0b")),
    *each("client_key", ("key\0.pem",), client_cert="/etc/hostname"),
    *each("client_key", ("/etc/hostname", "/tmp/key.pem"), "client_cert"),
    *each("client_key_password", (1,), "must be of type str"),
    # signing in
    Mistake("password", {"username": "tim"}, "access_token"),
    Mistake("username", {"password": "sesame"}, "is needed"),
    Mistake("username", {"access_token": "sesame"}, "is needed"),
    Mistake("access_token", dict(CREDENTIALS, access_token="sesame2"), "exclude each other"),
    *each("access_token", ("two words", "tökén"), username="tim"),
    *each("password", ("sesame\n",), "line end", username="tim"),
    *each("password", (12345,), "must be of type str", username="tim"),
    *each("username", (1,), "must be of type str", password="sesame"),
    *each("auth_mechanisms", (["PLAIN"],), "username"),
    *(
        Mistake("auth_mechanisms[0]", dict(CREDENTIALS, auth_mechanisms=[name]), says)
        for name, meant in (("PLIAN", "PLAIN"), ("SCRAM-SHA256", "SCRAM-SHA-256"), ("xouath2", "XOAUTH2"))
        for says in ("Known:", "Did you mean %s?" % meant)
    ),
    Mistake("auth_mechanisms[0]", dict(CREDENTIALS, auth_mechanisms=["GSSAPI"]), "Known:"),
    *each("auth_mechanisms", ("PLAIN",), "must be of type list", **CREDENTIALS),
    Mistake("auth_mechanisms[0]", dict(CREDENTIALS, auth_mechanisms=[1]), "must be of type str"),
    Mistake("auth_mechanisms[0]", dict(CREDENTIALS, auth_mechanisms=[None]), "must be of type str"),
    *each("allow_plaintext_auth", ("yes",), "must be of type bool"),
    # the envelope
    *each("sender", _ADDRESSES),
    *each("sender", (1,), "must be of type str"),
    Mistake("sender", {"recipients": ["anna@example.com"]}, "'' is the null reverse-path"),
    *(Mistake("recipients[0]", {"sender": "", "recipients": [address]}) for address in ("", *_ADDRESSES)),
    *each("recipients", ("anna@example.com",), "must be of type list", sender="a@example.org"),
    Mistake("recipients[0]", {"sender": "a@example.org", "recipients": [None]}, "must be of type str"),
    Mistake("recipients[1]", {"sender": "", "recipients": ["b@example.com", 5]}, "must be of type str"),
    Mistake("recipients", {"send": True}, "needed to send"),
    *each("recipients", (None, []), "needed to send", send=True, sender="a@example.org"),
    *each("send", ("yes", 1, 0, "true"), "must be of type bool"),
    *each("send_if", ("some", "al"), "must be one of"),
    *each("send_if", ("al",), "Did you mean all?"),
    *each("stop_after", ("greeting", "ehlo", "tls", "auth", "mail", "rcpt"), "send exclude", **SEND),
    *each("stop_after", ("data", "helo"), "must be one of"),
    *each("stop_after", ("helo",), "Did you mean ehlo?"),
    *each("chunking", ("yes",), "must be of type bool"),
    *each("requiretls", ("yes",), "must be of type bool"),
    *each("prdr", ("yes",), "must be of type bool"),
    Mistake("expect.codes.rcpt", dict(SEND, expect={"codes": {"rcpt": 550}}), "Set send to false"),
    Mistake("expect.codes.rcpt", dict(SEND, expect={"codes": {"rcpt": [550]}}), "Set send to false"),
    Mistake("dsn.notify[0]", {"dsn": {"notify": ["always"]}}),
    Mistake("dsn.notify", {"dsn": {"notify": ["never", "failure"]}}),
    Mistake("dsn.notify", {"dsn": {"notify": "never"}}),
    Mistake("dsn.ret", {"dsn": {"ret": "headers"}}),
    Mistake("dsn.envid", {"dsn": {"envid": "x" * 101}}),
    Mistake("dsn.orcpt", {"dsn": {"orcpt": "yes"}}),
    Mistake("dsn.notfy", {"dsn": {"notfy": []}}),
    Mistake("dsn", {"dsn": "never"}),
    Mistake("mail_parameters", {"mail_parameters": {"TWO WORDS": "1"}}),
    Mistake("mail_parameters", {"mail_parameters": {"": "1"}}),
    Mistake("mail_parameters", {"mail_parameters": {"-A": "1"}}),
    Mistake("mail_parameters.X", {"mail_parameters": {"X": "a b"}}),
    Mistake("mail_parameters.X", {"mail_parameters": {"X": "a=b"}}),
    Mistake("mail_parameters.X", {"mail_parameters": {"X": ""}}),
    Mistake("mail_parameters.X", {"mail_parameters": {"X": "ü"}}),
    Mistake("mail_parameters.SIZE", {"mail_parameters": {"SIZE": "1"}}),
    Mistake("mail_parameters.body", {"mail_parameters": {"body": "8BITMIME"}}),
    Mistake("mail_parameters.SMTPUTF8", {"mail_parameters": {"SMTPUTF8": None}}),
    Mistake("mail_parameters", {"mail_parameters": ["SIZE=1"]}),
    Mistake("proxy_protocol.source_address", {"proxy_protocol": {}}),
    Mistake("proxy_protocol.source_address", {"proxy_protocol": {"source_address": "client.example.org"}}),
    Mistake("proxy_protocol.source_address", {"proxy_protocol": {"source_address": "fe80::1%eth0"}}),
    Mistake("proxy_protocol.destination_address", {"proxy_protocol": dict(PROXY, destination_address="relay")}),
    Mistake("proxy_protocol.source_port", {"proxy_protocol": dict(PROXY, source_port=65536)}),
    Mistake("proxy_protocol.destination_port", {"proxy_protocol": dict(PROXY, destination_port=-1)}),
    Mistake("proxy_protocol.version", {"proxy_protocol": dict(PROXY, version=3)}),
    Mistake("proxy_protocol.version", {"proxy_protocol": dict(PROXY, version="2")}),
    Mistake("proxy_protocol.verson", {"proxy_protocol": dict(PROXY, verson=2)}),
    Mistake("xclient.FOO", {"xclient": {"FOO": "1"}}),
    Mistake("xclient", {"xclient": "ADDR=192.0.2.1"}),
    Mistake("extra_commands[0]", {"extra_commands": [""]}),
    Mistake("extra_commands[0]", {"extra_commands": ["   "]}),
    Mistake("extra_commands[0]", {"extra_commands": [None]}),
    Mistake("extra_commands[1]", {"extra_commands": ["NOOP", "RCPT TO:<a@example.org>"]}),
    Mistake("extra_commands[0]", {"extra_commands": ["VRFY ü"]}),
    Mistake("extra_commands[0]", {"extra_commands": ["VRFY " + "x" * 510]}),
    Mistake("extra_commands", {"extra_commands": "NOOP"}),
    *(Mistake("extra_commands[0]", {"extra_commands": ["%s x" % verb]}) for verb in _VERBS),
    # the message
    Mistake("test_message.headers", dict(SEND, test_message={"headers": {"two words": "x"}})),
    Mistake("test_message.headers", dict(SEND, test_message={"headers": {"": "x"}})),
    Mistake("test_message.headers", dict(SEND, test_message={"headers": {"X:": "x"}})),
    Mistake("test_message.headers", dict(SEND, test_message={"headers": {"Content-Type": "text/html"}})),
    Mistake("test_message.headers", dict(SEND, test_message={"headers": {"X": {"a": 1}}})),
    Mistake("test_message.headers", dict(SEND, test_message={"headers": {"X": [None]}})),
    Mistake("test_message.headers", dict(SEND, test_message={"headers": {"X" * 998: "x"}})),
    Mistake("test_message.headers", dict(SEND, test_message={"headers": ["X: x"]})),
    Mistake("test_message.body", dict(SEND, test_message={"body": "a\0b"})),
    Mistake("test_message.body", dict(SEND, test_message={"body": "\udcff"})),
    Mistake("test_message.body", dict(SEND, test_message={"body": 1})),
    Mistake("test_message.html", dict(SEND, test_message={"html": "a\0b"})),
    Mistake("test_message.subject", dict(SEND, test_message={"subject": "a\u2028b"})),
    Mistake("test_message", dict(ENVELOPE, test_message="hello"), "must be of type"),
    Mistake("test_message.file", dict(SEND, test_message={"file": "/nonexistent/message.eml"})),
    Mistake("test_message.body", dict(SEND, test_message={"body": "nul \0"})),
    Mistake("test_message.attachments[0]", dict(SEND, test_message={"attachments": [{"path": "/etc/hostname", "content": "x"}]})),
    Mistake("test_message.file", dict(SEND, test_message={"file": "/nonexistent"})),
    Mistake("test_message.file", dict(SEND, test_message={"file": "/"})),
    Mistake("test_message.file", dict(SEND, test_message={"file": "/dev/zero"})),
    Mistake("test_message.file", dict(SEND, test_message={"file": "a\0b"})),
    Mistake("test_message.file", dict(SEND, test_message={"file": "/etc/hostname", "subject": "x"})),
    Mistake("test_message.attachments[0]", dict(SEND, test_message={"attachments": [{}]})),
    Mistake("test_message.attachments[0]", dict(SEND, test_message={"attachments": [None]})),
    Mistake("test_message.attachments[0]", dict(SEND, test_message={"attachments": [{"path": "/a", "content": "x"}]})),
    Mistake("test_message.attachments[0].path", dict(SEND, test_message={"attachments": [{"path": "/nonexistent"}]})),
    Mistake("test_message.attachments[0].path", dict(SEND, test_message={"attachments": [{"path": "/dev/zero"}]})),
    Mistake(
        "test_message.attachments[0].filename",
        dict(SEND, test_message={"attachments": [{"content": "x", "filename": "a\r\nb"}]}),
    ),
    Mistake(
        "test_message.attachments[0].content_type",
        dict(SEND, test_message={"attachments": [{"content": "x", "content_type": "text/plain\r\nX: y"}]}),
    ),
    Mistake(
        "test_message.attachments[0].content_type",
        dict(SEND, test_message={"attachments": [{"content": "x", "content_type": "message/rfc822"}]}),
    ),
    Mistake("test_message.attachments[0].content", dict(SEND, test_message={"attachments": [{"content": "\0"}]})),
    Mistake("test_message.probe", dict(SEND, test_message={"probe": "virus"})),
    Mistake("test_message.transfer_encoding", dict(SEND, test_message={"transfer_encoding": "base64"})),
    Mistake("test_message.sbject", dict(SEND, test_message={"sbject": "x"}), "Did you mean subject?"),
    Mistake("test_message.attachments[0].pth", dict(SEND, test_message={"attachments": [{"pth": "x"}]}), "Did you mean path?"),
    # times
    *(mistake for name in _TIMEOUTS for mistake in each(name, _TIMES, _NO_TIME)),
    *(mistake for name in _TIMEOUTS for mistake in each(name, ("5", True, [30]), "must be of type float")),
    *each("retry_for", (-1, 86401, 10**400, math.nan, math.inf), "give seconds, 0 or more and at most 86400"),
    *each("retry_for", ("5",), "must be of type float"),
    # what is expected, and how it is told
    *each("transcript", ("sometimes", "allways"), "must be one of"),
    *each("transcript", ("allways",), "Did you mean always?"),
    *each("survey", ("yes",), "must be of type bool"),
    *each("tlsa", ("3 1 1 abcd", {"usage": 3}), "must be of type list"),
    Mistake("tlsa[0]", {"tlsa": [3]}, "must be of type str"),
    *(Mistake("tlsa[1]", {"tlsa": ["3 1 1 ab", text]}, "no TLSA record") for text in (
        "", "3 1 1", "3 1 ab", "3 1 1 abc", "3 1 1 xy", "256 1 1 ab", "3 1 1 ab; reload", "-3 1 1 ab", "3 1 1 ab\r\nQUIT",
        "\u0663 1 1 ab", "TLSA 3 1 1 ab", "3 1 1 " + "a" * 100001)),
    *(Mistake("expect.dane_valid", {"host": host, "expect": {"dane_valid": True}, **more}, "needs tlsa") for host, more in (
        ("192.0.2.25", {}), ("[2001:db8::1]", {}), ("/run/lmtp", {"protocol": "lmtp"}))),
    *each("dns_servers", ("192.0.2.1", {"a": 1}), "must be of type list"),
    *(Mistake("dns_servers[0]", {"dns_servers": [server]}) for server in ("dns.example", "", "192.0.2.1:x", "[::1", "a b")),
    *each("dns_timeout", (0, -1, 86401, math.nan, math.inf), _NO_TIME),
    Mistake("expect.dane_valid", {"expect": {"dane_valid": "yes"}, "tlsa": ["3 1 1 ab"]}, "true or false"),
    Mistake("expect", {"expect": ["capabilities"]}, "must be of type"),
    Mistake("expect", {"expect": ["codes"]}, "must be of type"),
    Mistake("expect.capabilites", {"expect": {"capabilites": ["DSN"]}}, "Did you mean capabilities?"),
    Mistake("expect.1", {"expect": {1: 2}}),
    Mistake("expect.capabilities", {"expect": {"capabilities": []}}),
    Mistake("expect.capabilities", {"expect": {"capabilities": [1]}}),
    Mistake("expect.capabilities", {"expect": {"capabilities": {"DSN": True}}}),
    Mistake("expect.auth_mechanisms", {"expect": {"auth_mechanisms": [""]}}),
    Mistake("expect.auth_absent_before_tls", {"expect": {"auth_absent_before_tls": "yes"}}),
    Mistake("expect.tls_version_min", {"expect": {"tls_version_min": "1.2"}}),
    Mistake("expect.tls_version_min", {"expect": {"tls_version_min": ["TLSv1.2"]}}),
    Mistake("expect.tls_versions_refused", {"expect": {"tls_versions_refused": ["TLSv1.0"]}}),
    Mistake("expect.tls_versions_refused", {"expect": {"tls_versions_refused": ["SSLv3"]}}),
    Mistake("expect.certificate_days_left", {"expect": {"certificate_days_left": -1}}),
    Mistake("expect.certificate_days_left", {"expect": {"certificate_days_left": "14"}}),
    Mistake("expect.certificate_days_left", {"expect": {"certificate_days_left": float("nan")}}),
    Mistake("expect.max_seconds", {"expect": {"max_seconds": float("inf")}}),
    Mistake("expect.max_seconds", {"expect": {"max_seconds": True}}),
    Mistake("expect.public_key_min_bits", {"expect": {"public_key_min_bits": "2048"}}),
    Mistake("expect.public_key_min_bits", {"expect": {"public_key_min_bits": {"RSA": "2048"}}}),
    Mistake("expect.public_key_min_bits", {"expect": {"public_key_min_bits": {"RSA": True}}}),
    Mistake("expect.greeting_matches", {"expect": {"greeting_matches": "("}}),
    Mistake("expect.greeting_matches", {"expect": {"greeting_matches": 5}}),
    Mistake("expect.codes", {"expect": {"codes": 250}}),
    Mistake("expect.codes.quit", {"expect": {"codes": {"quit": 221}}}),
    Mistake("expect.codes.rcpt", {"expect": {"codes": {"rcpt": []}}}),
    Mistake("expect.codes.rcpt", {"expect": {"codes": {"rcpt": 99}}}),
    Mistake("expect.codes.rcpt", {"expect": {"codes": {"rcpt": [float("inf")]}}}),
    Mistake("expect.codes.rcpt", {"expect": {"codes": {"rcpt": [10**400]}}}),
    Mistake("expect.codes.rcpt", {"expect": {"codes": {"rcpt": ["5xx"]}}}),
    Mistake("expect.relaying_refused", {"expect": {"relaying_refused": True}}),
    Mistake("expect.relaying_refused", {"expect": {"relaying_refused": {"recipient": "a@example.net"}}}),
    Mistake(
        "expect.relaying_refused.foo",
        {"expect": {"relaying_refused": {"recipient": "a@b", "control_recipient": "c@d", "foo": 1}}},
    ),
    Mistake(
        "expect.relaying_refused.recipient",
        {"expect": {"relaying_refused": {"recipient": "<a@b>", "control_recipient": "c@d"}}},
    ),
    Mistake(
        "expect.relaying_refused.sender",
        {"expect": {"relaying_refused": {"recipient": "a@b", "control_recipient": "c@d", "sender": ["e"]}}},
    ),
    # the host
    *each(
        "host",
        ("", " ", "   ", None, 25, "relay.example.com:25", "relay.example.com:587", "smtp://relay.example.com",
         "two words", "a b", "relay..example.com", "-a.example", "-relay.example.com", "a" * 300,
         "a" * 64 + ".example.com", ".".join(["a" * 60] * 5), "user@relay.example.com", "relay@example.com", "[::1",
         "::1]", "1:2:3", "[192.0.2.1", "192.0.2.1%eth0", "fe80::1%a b", "fe80::1%", ".", "..", "é" * 300,
         "ü" * 70 + ".example", "\ud800.example"),
    ),
    *each("host", ("fa\u00df.example", "\u03b2\u03cc\u03bb\u03bf\u03c2.example", "a\u200db.example"), "give its A-labels"),
    *each("host", ("/run/lmtp", "/var/run/lmtp"), "protocol lmtp"),
    *each("host", ("/run/" + "x" * 200,), protocol="lmtp"),
]  # fmt: skip

# Text that must not reach the wire: what ends a line there, controls, and the lone surrogate that stands for an octet
# which is not UTF-8, and cannot be written as UTF-8 again.
NOT_TEXT = {
    "CR": "\r", "LF": "\n", "CRLF": "\r\nRSET", "line end": "\r\n", "NUL": "\0", "ESC": "\x1b", "clear screen": "\x1b[2J",
    "DEL": "\x7f",
    "octet": "\udcff", "CSI": "\x9b2J",
}  # fmt: skip
# Where in a value such text may stand: alone, at its beginning, in its middle, at its end.
PLACES = ("%s", "%sx", "x%sy", "x%s")
# Options that reach the wire, each in its own way: %s is a hole in their value.
HOLES: Tuple[Tuple[str, Dict[str, Any]], ...] = (
    ("host", {"host": "relay%s.example.com"}),
    ("host", {"host": "%s.example.com"}),
    ("host", {"host": "relay.example.com%s"}),
    ("host", {"host": "192.0.2.1%s"}),
    ("ehlo_name", {"ehlo_name": "client%s.example.org"}),
    ("ehlo_name", {"ehlo_name": "%s"}),
    ("tls_server_name", {"tls_server_name": "relay%s.example.com"}),
    ("tls_server_name", {"tls_server_name": "%s"}),
    ("source_address", {"source_address": "192.0.2.1%s"}),
    ("source_address", {"source_address": "%s"}),
    ("sender", {"sender": "a%s@example.org"}),
    ("sender", {"sender": "%s@example.org"}),
    ("sender", {"sender": "probe@%s"}),
    ("sender", {"sender": '"%s"@example.org'}),
    ("recipients[0]", {"recipients": ["b%s@example.com"], "sender": "a@example.org"}),
    ("recipients[1]", {"recipients": ["anna@example.com", "%s@example.com"], "sender": ""}),
    ("username", {"username": "tim%s", "password": "sesame"}),
    ("username", {"username": "%s", "password": "sesame"}),
    ("password", {"username": "tim", "password": "sesame%s"}),
    ("access_token", {"username": "tim", "access_token": "sesame%s"}),
    ("auth_mechanisms[0]", dict(CREDENTIALS, auth_mechanisms=["%s"])),
    ("extra_commands[0]", {"extra_commands": ["VRFY tim%s"]}),
    ("extra_commands[0]", {"extra_commands": ["NOOP %s"]}),
    ("mail_parameters.BY", dict(ENVELOPE, mail_parameters={"BY": "1%s"})),
    ("mail_parameters.BY", dict(ENVELOPE, mail_parameters={"BY": "%s"})),
    ("mail_parameters", dict(ENVELOPE, mail_parameters={"BY%s": "1"})),
    ("mail_parameters", dict(ENVELOPE, mail_parameters={"%s": "a"})),
    ("xclient.NAME", {"xclient": {"NAME": "client%s"}}),
    ("xclient.NAME", {"xclient": {"NAME": "%s"}}),
    ("dsn.envid", {"dsn": {"envid": "id%s"}}),
    ("proxy_protocol.source_address", {"proxy_protocol": {"source_address": "2001:db8::1%%x%s"}}),
    ("proxy_protocol.destination_address", {"proxy_protocol": dict(PROXY, destination_address="2001:db8::1%%x%s")}),
    ("test_message.headers", dict(SEND, test_message={"headers": {"X-Test": "a%sb"}})),
    ("test_message.headers", dict(SEND, test_message={"headers": {"X-A": "%s"}})),
    ("test_message.headers", dict(SEND, test_message={"headers": {"%s": "a"}})),
    ("test_message.subject", dict(SEND, test_message={"subject": "a%sb"})),
    ("test_message.subject", dict(SEND, test_message={"subject": "%s"})),
    ("expect.relaying_refused.recipient",
     {"expect": {"relaying_refused": {"recipient": "a%s@example.net", "control_recipient": "b@example.com"}}}),
)  # fmt: skip


def filled(hole: Tuple[str, Dict[str, Any]], text: str) -> Mistake:
    return Mistake(hole[0], _filled(hole[1], text))


def _filled(value: Any, text: str) -> Any:
    if isinstance(value, str):
        return value % text if "%s" in value else value
    if isinstance(value, list):
        return [_filled(item, text) for item in value]
    if isinstance(value, dict):
        return {_filled(name, text): _filled(item, text) for name, item in value.items()}
    return value


SWEEP_MISTAKES = (
    Mistake("hosts", {}),
    Mistake("hosts[0]", {"hosts": ["relay.example.com:smtp"]}),
    Mistake("hosts[0]", {"hosts": ["relay.example.com:" + "9" * 5000]}),
    Mistake("hosts[0]", {"hosts": ["relay.example.com:65536"]}),
    Mistake("hosts[1].host", {"hosts": ["relay.example.com", ""]}),
    Mistake("hosts[0].host", {"hosts": ["relay\r\n.example.com"]}),
    Mistake("endpoints[0].host", {"endpoints": [{}]}),
    Mistake("endpoints[0].host", {"endpoints": [{"host": "a b"}]}),
    Mistake("endpoints[0].prot", {"endpoints": [{"host": HOST, "prot": 25}]}),
    Mistake("endpoints[0].port", {"endpoints": [{"host": HOST, "port": 0}]}),
)
