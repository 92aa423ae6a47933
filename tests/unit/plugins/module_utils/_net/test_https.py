# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One GET over the driver, from web servers good and hostile: each ends within its limits, in clear words.

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.driver import Driver, Limits
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.https import (
    MAX_BODY,
    Fetched,
    fetched,
    https_get,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsPolicy
from ansible_collections.postmaster.mailcheck.plugins.module_utils._version import __version__
from ansible_collections.postmaster.mailcheck.tests.support.chains import Chain, issue, server_context
from ansible_collections.postmaster.mailcheck.tests.support.handshake import World
from ansible_collections.postmaster.mailcheck.tests.support.hostile import ScriptedRelay
from ansible_collections.postmaster.mailcheck.tests.support.ports import free_port

if TYPE_CHECKING:
    from typing import Any, Dict

HOST, PATH = "mta-sts.example.com", "/.well-known/mta-sts.txt"
AGES = 20.0
POLICY = "version: STSv1\\nmode: testing\\nmx: mx1.example.com\\nmax_age: 86400\\n\\"
BODY = b"version: STSv1\nmode: testing\nmx: mx1.example.com\nmax_age: 86400\n"
OK = "S: HTTP/1.1 200 OK\n"
TEXT = "S: Content-Type: text/plain\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: Any) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def contexts(world: World, tmp_path_factory: Any) -> Dict[str, Any]:
    chains = {
        "good": Chain(issue(world.root, HOST)),
        "expired": Chain(issue(world.root, HOST, days=(-30, -1))),
        "wrong": Chain(issue(world.root, "www.example.com")),
        "self-signed": Chain(issue(None, HOST)),
    }
    return {name: server_context(chain, tmp_path_factory.mktemp(name)) for name, chain in chains.items()}


def fetch(world: World, port: int, timeout: float = AGES) -> Fetched:
    attempt = https_get(HOST, PATH, TlsPolicy(world.ca_path), timeout, AGES, port=port, connect_to="127.0.0.1")

    def plan() -> Any:
        (outcome,) = yield (attempt,)
        return fetched(outcome)

    ((_key, result),) = Driver(Limits()).run(iter([(0, plan())]))
    if isinstance(result, Exception):
        raise result
    return result


def answered(world: World, contexts: Dict[str, Any], answer: str, timeout: float = AGES, **how: Any) -> Fetched:
    with ScriptedRelay("TLS good\nC: GET %s HTTP/1.1\n%s" % (PATH, answer), contexts, **how) as server:
        return fetch(world, server.port, timeout)


class Case(NamedTuple):
    label: str
    answer: str


GOOD = [
    Case("with its length", OK + TEXT + "S: Content-Length: %d\nS:\nS: " % len(BODY) + POLICY),
    Case("with its length, and the server leaves", OK + TEXT + "S: Content-Length: %d\nS:\nS: " % len(BODY) + POLICY + "\ncloses"),
    Case("to the end of the connection (RFC 9112 6.3)", OK + TEXT + "S:\nS: " + POLICY + "\ncloses"),
    Case("HTTP/1.0", "S: HTTP/1.0 200 OK\n" + TEXT + "S:\nS: " + POLICY + "\ncloses"),
    Case("in chunks (RFC 9112 7.1)", OK + TEXT + "S: Transfer-Encoding: chunked\nS:\nS: 5\nS: versi\nS: %x\nS: " % (len(BODY) - 5)
         + POLICY.replace("versi", "", 1) + "\nS:\nS: 0\nS:"),
    Case("in chunks, with a trailer", OK + TEXT + "S: Transfer-Encoding: chunked\nS:\nS: %x;name=value\nS: " % len(BODY) + POLICY
         + "\nS:\nS: 0\nS: X-More: yes\nS:\ncloses"),
    Case("after an interim answer (RFC 9110 15.2)", "S: HTTP/1.1 103 Early Hints\nS: Link: </style.css>\nS:\n" + OK + TEXT
         + "S: Content-Length: %d\nS:\nS: " % len(BODY) + POLICY),
    Case("line feeds alone", "S: HTTP/1.1 200 OK\\nContent-Type: text/plain\\n\\n\\\nS: " + POLICY + "\ncloses"),
]  # fmt: skip


@pytest.mark.parametrize("split", [0, 1], ids=["whole", "octet by octet"])
@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.label)
def test_a_whole_answer(world: World, contexts: Dict[str, Any], case: Case, split: int) -> None:
    found = answered(world, contexts, case.answer, split=split, pause=0.0)
    assert (found.cause, found.text) == ("", "")
    assert (found.status, found.content_type, found.body) == (200, "text/plain", BODY)
    assert found.tls.verified is True
    assert found.tls.chain[0].subject_alt_names == ("DNS:" + HOST,)


def test_what_is_asked(world: World, contexts: Dict[str, Any]) -> None:
    request = "TLS good\nC: GET\nC: Host\nC: User-Agent\nC: Accept\nC: Accept-Encoding\nC: Connection\nC:\n"
    with ScriptedRelay(request + GOOD[0].answer, contexts) as server:
        found = fetch(world, server.port)
        assert found.status == 200
        assert server.sessions[0].said == [
            "GET /.well-known/mta-sts.txt HTTP/1.1",
            "Host: mta-sts.example.com:%d" % server.port,
            "User-Agent: mailcheck/%s" % __version__,
            "Accept: text/plain",
            "Accept-Encoding: identity",
            "Connection: close",
            "",
        ]


def test_the_usual_port_is_not_named() -> None:
    attempt = https_get("mta-sts.example.com.", PATH, TlsPolicy(), AGES, AGES)
    assert (attempt.host, attempt.port, attempt.tls_server_name) == ("mta-sts.example.com.", 443, HOST)


@pytest.mark.parametrize(("host", "path"), [
    ("a b.example", PATH), ("example.com\r\nX: y", PATH), ("", PATH), (HOST, "no-slash"), (HOST, "/a b"), (HOST, "/\r\nX: y"),
    (HOST, "/\u00e9"), ("b\u00fccher.example", PATH), ("example.com/x", PATH),
])  # fmt: skip
def test_nothing_else_can_be_asked(host: str, path: str) -> None:
    with pytest.raises(ValueError):
        https_get(host, path, TlsPolicy(), AGES, AGES)


@pytest.mark.parametrize(
    "status", ["204 No Content", "301 Moved Permanently", "404 Not Found", "500 Internal", "999 ?"]
)
def test_another_status_is_told_without_its_body(world: World, contexts: Dict[str, Any], status: str) -> None:
    """Redirects included: nobody follows them."""
    answer = (
        "S: HTTP/1.1 %s\nS: Location: https://www.example.com/\\x1b[31m\nS: Content-Length: 99999999\nS:\nS: x" % status
    )
    found = answered(world, contexts, answer)
    assert (found.status, found.body, found.cause) == (int(status[:3]), b"", "")
    assert found.location == "https://www.example.com/\\x1b[31m"


BAD = [
    ("protocol_violation", "64 KiB", OK + "S: Content-Length: 65537\nS:\nS: x"),
    ("protocol_violation", "64 KiB", OK + "S:\nendless version: STSv1\\r\\n"),
    ("protocol_violation", "64 KiB", OK + "S: Transfer-Encoding: chunked\nS:\nendless 1\\r\\nx\\r\\n"),
    ("protocol_violation", "64 KiB", OK + "S: Transfer-Encoding: chunked\nS:\nS: 10001\nS: %s\nS: 0\nS:\ncloses" % ("x" * 65537)),
    ("protocol_violation", "chunk size", OK + "S: Transfer-Encoding: chunked\nS:\nS: 0;%s\nS: 0\nS:\ncloses" % ("x" * 65537)),
    ("protocol_violation", "trailer", OK + "S: Transfer-Encoding: chunked\nS:\nS: 0\nS: X: %s\nS: 0\nS:\ncloses" % ("x" * 65537)),
    ("protocol_violation", "headers", "S: HTTP/1.1 200 OK\nendless X-Header: 1\\r\\n"),
    ("protocol_violation", "headers", "endless HTTP/1.1 103 Early Hints\\r\\n\\r\\n"),
    ("protocol_violation", "headers", "S: HTTP/1.1 200 OK\n" + "S: X: 1\n" * 101 + "S:\nS: x"),
    ("protocol_violation", "gzip", OK + "S: Content-Encoding: gzip\nS: Content-Length: 4\nS:\nS: \\x1f\\x8b\\x08\\0\\"),
    ("protocol_violation", "transfer coding is not known (gzip)", OK + "S: Transfer-Encoding: gzip\nS:\nS: x\ncloses"),
    ("protocol_violation", "Content-Length", OK + "S: Content-Length: 4\nS: Content-Length: 5\nS:\nS: 12345\\"),
    ("protocol_violation", "Content-Length", OK + "S: Content-Length: -1\nS:\nS: x\ncloses"),
    ("protocol_violation", "Content-Length", OK + "S: Content-Length: 1e3\nS:\nS: x\ncloses"),
    ("protocol_violation", "hello", "S: hello\nS:\ncloses"),  # HTTP/0.9 has no status line at all
    ("protocol_violation", "version: STSv1", "S: version: STSv1\ncloses"),
    ("protocol_violation", "HTTP/2", "S: HTTP/2 200 OK\nS:\ncloses"),
    ("protocol_violation", "220", "S: 220 relay.example.com ESMTP\nS:\ncloses"),
    ("connection_lost", "closed", "closes"),
    ("connection_lost", "closed", "S: HTTP/1.1 200 OK\nS: Content-Type: text/plain\ncloses"),
    ("connection_lost", "closed", OK + "S: Content-Length: 500\nS:\nS: x\ncloses"),
    ("connection_lost", "closed", OK + "S: Transfer-Encoding: chunked\nS:\nS: 500\nS: x\ncloses"),
    ("connection_lost", "closed", OK + "S: Transfer-Encoding: chunked\nS:\nS: zz\nS: x\ncloses"),
    ("connection_lost", "closed", OK + "S: Transfer-Encoding: chunked\nS:\nS: -5\nS: x\nS: 0\nS:\ncloses"),
    ("connection_lost", "broke", OK + "S: Content-Length: 500\nS:\nS: x\nwaits 0.05\nresets"),
]  # fmt: skip


@pytest.mark.parametrize(("cause", "says", "answer"), BAD)
def test_a_bad_answer_ends_in_clear_words(world: World, contexts: Any, cause: str, says: str, answer: str) -> None:
    found = answered(world, contexts, answer)
    assert (found.cause, found.body) == (cause, b""), found
    assert says in found.text
    assert found.tls.verified is True


@pytest.mark.parametrize("answer", [
    "silent",
    "drips X",
    "S: HTTP/1.1 200 OK\ndrips X-Header: 1\\r\\n",
    OK + "S:\ndrips v",
    OK + "S: Content-Length: 500\nS:\nS: x",
    OK + "S: Transfer-Encoding: chunked\nS:\ndrips 1\\r\\nx\\r\\n",
])  # fmt: skip
def test_a_slow_answer_ends_at_the_deadline(world: World, contexts: Dict[str, Any], answer: str) -> None:
    found = answered(world, contexts, answer, timeout=1.0)
    assert (found.cause, found.body) == ("timed_out", b"")
    assert "within 1 s" in found.text


def test_a_server_that_stays_after_a_whole_answer(world: World, contexts: Dict[str, Any]) -> None:
    """Without a length, and with a trailer behind the chunks, the end is only known when it does not go on."""
    found = answered(world, contexts, GOOD[5].answer.replace("\ncloses", ""), timeout=1.0)
    assert (found.status, found.body, found.cause) == (200, BODY, "")


@pytest.mark.parametrize(("name", "cause"), [
    ("expired", "certificate_expired"), ("wrong", "certificate_name_mismatch"), ("self-signed", "certificate_self_signed"),
])  # fmt: skip
def test_a_certificate_that_is_not_accepted(world: World, contexts: Dict[str, Any], name: str, cause: str) -> None:
    with ScriptedRelay("TLS %s\nC: GET\n%s" % (name, GOOD[0].answer), contexts) as server:
        found = fetch(world, server.port)
        assert (found.status, found.body, found.cause) == (None, b"", cause)
        assert found.tls.verify_errors[0] == cause
        assert not server.sessions[0].inside  # nothing was asked


def test_no_tls_there(world: World) -> None:
    with ScriptedRelay("C: <octets>\nS: HTTP/1.1 400 The plain HTTP request was sent to HTTPS port\nS:", {}) as server:
        found = fetch(world, server.port)
    assert found.cause == "tls_not_spoken"
    assert "the web server answered the handshake with 'HTTP/1.1 400" in found.text


def test_nobody_there(world: World) -> None:
    found = fetch(world, free_port())
    assert (found.cause, found.status) == ("connection_refused", None)


def test_the_longest_body_there_may_be(world: World, contexts: Dict[str, Any]) -> None:
    found = answered(world, contexts, OK + "S: Content-Length: %d\nS:\nS: %s\\" % (MAX_BODY, "x" * MAX_BODY))
    assert (found.cause, len(found.body)) == ("", MAX_BODY)
