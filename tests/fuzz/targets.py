# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# One function a parser: it takes any bytes, hands them on, and asserts what must hold whatever they are.
#
# fuzz.py lets a fuzzer look for inputs, test_corpus.py replays those that were kept. What a target makes of its
# bytes depends on nothing else (no clock, no chance), and is the same on every Python.

from __future__ import annotations

import contextlib
import functools
import json
import re
from base64 import b64encode
from typing import Any, Callable, Dict, Iterator, List, Sequence, Tuple
from unittest import mock

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.mta_sts.policy import (
    policy_text,
    read_policy,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.authentication import authentication_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.finding import Wanted
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.headers import fields_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.imap.answers import fetched, listed
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.spam import spam_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.trace import trace_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.attempts import Connected, Outcome
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.https import MAX_BODY, HttpProtocol
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl import scram
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.exchange import Exchange, SaslError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.sasl.mechanisms import MECHANISMS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import decode
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls import contexts, handshake
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.certificates import (
    CertificateError,
    certificate_facts,
    read_certificate,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.dane import judge_dane
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.identity import names_match
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsFacts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import commands
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.capabilities import (
    auth_mechanisms,
    limits,
    masked_keywords,
    max_message_size,
    parse_capabilities,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.conversation.converse import converse
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import Facts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.plan import check_plan
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.protocol import Protocol
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.replies import ReplyError, ReplyReader
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.report import as_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.tlsa import tlsa_records
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.transcript import Transcript
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.codes import explain_code
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import evaluate, parse_expect
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.wording import cause_of, queue_id
from ansible_collections.postmaster.mailcheck.tests.support.mailboxes import report_in

PASSWORD = "tanstaaftanstaaf"
SECRETS = (
    PASSWORD,
    b64encode(PASSWORD.encode()).decode()[:20],
    b64encode(b"\0tim\0" + PASSWORD.encode()).decode()[:28],
)
NOT_PRINTABLE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
VERIFIED = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "relay.example.com", True, (), None)
NOW = 1767225600.0


@contextlib.contextmanager
def eased() -> Iterator[None]:
    """Contexts would be kept, one for each of a fuzzer's cipher lists; and two million iterations tell no more than few."""
    with mock.patch.object(contexts, "prepare", lambda policy, run: []), mock.patch.object(
        scram, "MAX_ITERATIONS", 5000
    ):
        yield


class Draw:
    """Makes values out of bytes, as far as they last."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def number(self, below: int) -> int:
        taken = self._take(1 if below <= 256 else 2)
        return int.from_bytes(taken, "big") % below

    def one_of(self, choices: Sequence[Any]) -> Any:
        return choices[self.number(len(choices))]

    def octets(self) -> bytes:
        """Up to 255 octets, their number first; a number above 250 stands for all the rest."""
        length = self.number(256)
        return self._take(self.left if length > 250 else length)

    def text(self) -> str:
        return self.octets().decode("utf-8", "surrogateescape")

    def _take(self, count: int) -> bytes:
        taken = self._data[self._at : self._at + count]
        self._at += count
        return taken


def assert_printable(*texts: str) -> None:
    for text in texts:
        found = NOT_PRINTABLE.search(text)
        assert found is None, "%r is shown as it came" % found.group()


# What a relay sends


def replies(data: bytes) -> None:
    """The first octet says how the rest is split; the split must make no difference."""
    whole, step = _read(data[1:], 0), data[0] % 7 + 1 if data else 1
    assert _read(data[1:], step) == whole
    for reply in whole[0]:
        assert 0 <= reply.code <= 999
        assert "\n" not in "".join(reply.lines)
        assert_printable(reply.text, *reply.notes)
        assert reply.enhanced_code is None or reply.enhanced_code.startswith("%d." % (reply.code // 100))


def _read(data: bytes, step: int) -> Any:
    reader, found = ReplyReader(), []
    pieces = [data[i : i + step] for i in range(0, len(data), step)] if step else [data]
    try:
        for piece in pieces:
            reader.feed(piece)
            found.extend(iter(reader.next_reply, None))
    except ReplyError as error:
        assert_printable(str(error))
        return found, "error"
    return found, reader.waiting


def capabilities(data: bytes) -> None:
    lines = ["relay.example.com"] + [decode(line) for line in data.split(b"\n")]
    known = parse_capabilities(lines)
    for keyword, parameters in known.items():
        assert keyword == keyword.upper() and keyword.split() == [keyword]
        assert len(set(parameters)) == len(parameters) and all(p.split() == [p] for p in parameters)
    names = auth_mechanisms(known)
    assert names is not None and len(set(names)) == len(names)
    size = max_message_size(known)
    assert size is None or 0 <= size < 10**20
    assert all(0 <= limit < 10**6 for limit in limits(known).values())
    assert set(masked_keywords(known)) <= set(known)


def explanations(data: bytes) -> None:
    """What a relay says, in any stage, has a cause of the table, and that has a verdict."""
    reader = ReplyReader()
    reader.feed(data[1:])
    try:
        reply = reader.next_reply()
    except ReplyError:
        return
    if reply is None:
        return
    stages = ("greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "message", "xclient", "extra")
    stage = stages[data[0] % len(stages)]
    assert cause_of(stage, reply.code, reply.enhanced_code, reply.text) in CAUSES
    explain_code(reply.code, reply.enhanced_code)
    queue_id(reply.text)


def certificates(data: bytes) -> None:
    """The first octets up to a NUL are a host's name, the rest a certificate."""
    name, _nul, der = data.partition(b"\0")
    try:
        certificate = read_certificate(der)
    except CertificateError as error:
        assert_printable(str(error))
        return
    names_match(certificate, name.decode("utf-8", "surrogateescape"))
    facts = certificate_facts(certificate, NOW)
    shown = json.dumps(facts, ensure_ascii=False)
    assert_printable(shown)
    assert len(shown) < 20 * len(der) + 1000


def tls_records(data: bytes) -> None:
    """What a relay sends before we trust it: the group is read from it, and a chain is handed to the judge."""
    group = handshake.key_exchange_group(data)
    assert group is None or group.isprintable()
    messages = handshake.in_records(handshake.server_hello(b"\xc0\x2f") + handshake.certificate_message((data,)))
    assert handshake.key_exchange_group(messages) is None


def web_answers(data: bytes) -> None:
    """The first octet says how the rest is split; the split must make no difference."""
    whole, step = _fetch(data[1:], 0), data[0] % 7 + 1 if data else 1
    assert _fetch(data[1:], step) == whole
    assert_printable(whole.content_type, whole.location, whole.text)
    assert len(whole.body) <= MAX_BODY
    assert bool(whole.cause) == bool(whole.text)
    assert not whole.body or whole.status == 200


def _fetch(data: bytes, step: int) -> Any:
    protocol = HttpProtocol(b"", Connected("192.0.2.80", None, 0.0, 10.0))
    protocol.tls_established(VERIFIED, 0.0)
    for piece in [data[i : i + step] for i in range(0, len(data), step)] if step else [data]:
        if not protocol.ended:
            protocol.receive(piece, 0.0)
    if not protocol.ended:
        protocol.lose("the web server closed the connection", 0.0)
    return protocol.facts


def mta_sts_policies(data: bytes) -> None:
    """What is read of a policy is safe to be shown, and a policy that is in order reads the same when written anew."""
    policy, problems = read_policy(data)
    assert_printable(policy.version, policy.mode, *policy.mx, *(found.text for found in problems))
    if not problems:
        text = policy_text(policy.mode, policy.mx, policy.max_age)
        again, _faults = read_policy(text.encode("ascii"))
        assert again == policy._replace(text=again.text, mx=tuple(dict.fromkeys(policy.mx)))


def tlsa_texts(data: bytes) -> None:
    """A record given as text is refused, or is that record, and can be held against any chain."""
    text, _zero, der = data.partition(b"\0")
    try:
        records = tlsa_records([text.decode("utf-8", "surrogateescape")])
    except OptionError as error:
        assert_printable(str(error))
        return
    assert tlsa_records(["%d %d %d %s" % (*record[:3], record.data.hex()) for record in records]) == records
    verdict = judge_dane((der,) if der else (), records, ["relay.example.com"])
    assert verdict.outcome in ("met", "unmet", "unknown")
    assert_printable(verdict.reason)


def sasl_dialogues(data: bytes) -> None:
    """A mechanism, then the relay's challenges, of which it takes a few and no more."""
    draw = Draw(data)
    row = draw.one_of(list(MECHANISMS.values()))
    exchange = Exchange(
        "tim",
        PASSWORD if row.needs == "password" else None,
        PASSWORD if row.needs == "access_token" else None,
        host="relay.example.com",
        port=587,
        channel_binding=b"c" * 32 if row.name.endswith("-PLUS") else None,
        nonce=lambda: "abc",
    )
    dialogue = row.dialogue(exchange)
    next(dialogue)
    heard = 0
    try:
        while True:
            accepted = draw.left == 0 or draw.number(8) == 0
            dialogue.send(None if accepted else draw.octets())
            heard += 1
            assert heard <= 4, "the mechanism never ends"
    except StopIteration:
        pass
    except SaslError as error:
        assert error.cause in CAUSES
        assert_printable(str(error))
        assert PASSWORD not in str(error)
    shown = json.dumps(exchange.server_error, ensure_ascii=False)
    assert_printable(shown)
    assert PASSWORD not in shown and len(shown) < 20000


# A whole conversation with a relay that says anything

_CLIENT_LINE = re.compile(
    rb"(EHLO|HELO|LHLO) client\.example\.org|STARTTLS|QUIT|RSET|DATA|\.|\*|[A-Za-z0-9+/=]*|AUTH [A-Z0-9-]+( [A-Za-z0-9+/=]+)?"
    rb"|MAIL FROM:<probe@example\.org>( SIZE=[0-9]+)?( PRDR)?|RCPT TO:<(anna|bert)@example\.com>|BDAT [0-9]+ LAST|VRFY tim"
)
_SETTINGS: List[Dict[str, Any]] = [
    {"tls": "none"},
    {"tls": "starttls"},
    {"tls": "opportunistic"},
    {"tls": "implicit"},
]
_ENVELOPE: Dict[str, Any] = {"sender": "probe@example.org", "recipients": ["anna@example.com", "bert@example.com"]}
_TASKS: List[Dict[str, Any]] = [
    {},
    _ENVELOPE,
    dict(_ENVELOPE, send=True, test_message={"body": "hello\n.dot\n"}),
    dict(_ENVELOPE, send=True, send_if="all"),
    dict(_ENVELOPE, send=True, chunking=True),
    dict(_ENVELOPE, send=True, prdr=True),
    dict(_ENVELOPE, protocol="lmtp", send=True),
    {"extra_commands": ["VRFY tim"]},
    {"xclient": {"ADDR": "192.0.2.1"}},
]


@functools.lru_cache(maxsize=None)
def _request(setting: int, task: int, signs_in: bool) -> Any:
    given = {**_SETTINGS[setting], **_TASKS[task], "ehlo_name": "client.example.org"}
    if signs_in:
        given.update(username="tim", password=PASSWORD, allow_plaintext_auth=given["tls"] == "none")
    return build_request("relay.example.com", given, NOW)


def conversations(data: bytes) -> None:
    """Two octets choose what is asked for; then the relay's words, ended by NUL where the client is to speak."""
    draw = Draw(data)
    choice = draw.number(65536)
    signs_in = bool(choice & 1)
    request = _request((choice >> 1) % len(_SETTINGS), (choice >> 3) % len(_TASKS), signs_in)
    facts = Facts(Transcript(0.0))
    protocol = Protocol(converse(request.endpoint, request.actions, facts), facts, 30.0, 120.0)
    clear, inside = b"", b""
    protocol.begin(0.0)
    for words in data[2:].split(b"\0"):
        if protocol.ended:
            break
        sent = _everything_from(protocol)
        if facts.transcript.tls:
            inside += sent
        else:
            clear += sent
        if protocol.wants_tls:
            protocol.tls_established(VERIFIED, 1.0)
        if not protocol.ended:
            protocol.receive(words, 1.0)
    if not protocol.ended:
        (protocol.time_out if choice & 0x8000 else lambda now: protocol.lose("closed", now))(2.0)
    assert protocol.ended
    if request.endpoint.tls in ("starttls", "implicit"):
        assert not any(secret.encode() in clear for secret in SECRETS), "a secret has left in clear"
        assert b"MAIL" not in clear
    said = (clear + inside).split(b"\r\n")
    in_message = False
    for line in said:
        if in_message:
            in_message = line != b"."
        else:
            assert _CLIENT_LINE.fullmatch(line) or request.actions.chunking or line.startswith(b"XCLIENT"), line
            in_message = line == b"DATA" and facts.codes.get("data") == 354
    _assert_safe_report(request, facts)


def _everything_from(protocol: Protocol) -> bytes:
    blocks = []
    block = protocol.output(0.5)
    while block:
        blocks.append(block)
        block = protocol.output(0.5)
    return b"".join(blocks)


def _assert_safe_report(request: Any, facts: Facts) -> None:
    plan = check_plan(request, lambda: NOW)
    next(plan)
    verdict: Any = None
    try:
        plan.send((Outcome(facts, (), "192.0.2.1", "192.0.2.9", 0.0, 2.0),))
    except StopIteration as stop:
        verdict = stop.value
    assert verdict is not None, "the plan goes on"
    shown = json.dumps(as_report(verdict, NOW), ensure_ascii=False)
    assert_printable(shown)
    assert not any(secret in shown for secret in SECRETS), "a secret is shown"
    assert not any(secret in repr(verdict) for secret in SECRETS), "a secret is shown"


# What a caller gives


def command_encoder(data: bytes) -> None:
    """Texts in, one command out: one line, and nothing printed that steers a terminal."""
    draw = Draw(data)
    build: Callable[[], Any] = draw.one_of(
        (
            lambda: commands.ehlo(draw.text()),
            lambda: commands.helo(draw.text()),
            lambda: commands.lhlo(draw.text()),
            lambda: commands.auth(draw.text(), draw.octets()),
            lambda: commands.auth(draw.text(), None),
            lambda: commands.auth_response(draw.octets()),
            lambda: commands.mail(draw.text(), {draw.text(): draw.text(), draw.text(): None}),
            lambda: commands.rcpt(draw.text(), {draw.text(): draw.text()}),
            lambda: commands.rcpt(draw.text(), commands.dsn_of_rcpt({"orcpt": True}, draw.text())),
            lambda: commands.mail("", commands.dsn_of_mail({"ret": "full", "envid": draw.text()})),
            lambda: commands.xclient({"NAME": draw.text(), "ADDR": draw.text()}),
            lambda: commands.extra(draw.text()),
        )
    )
    try:
        command = build()
    except ValueError:  # options are checked first, so that nothing of the kind comes so far
        pass
    else:
        assert command.wire.endswith(b"\r\n")
        assert not re.search(rb"[\r\n\0]", command.wire[:-2])
        assert_printable(command.shown)
    _dots(draw)


def _dots(draw: Draw) -> None:
    blocks = []
    while draw.left and len(blocks) < 20:
        blocks.append(draw.octets())
    content = b"".join(blocks)
    stuffed = b"".join(commands.dot_stuffed(blocks))
    assert not stuffed.startswith(b".\r\n") and b"\r\n.\r\n" not in stuffed
    plain = (b"\r\n" + stuffed).replace(b"\r\n..", b"\r\n.")[2:]
    assert plain == content


def _value(draw: Draw, depth: int = 0) -> Any:
    """Anything that YAML can hold."""
    kind = draw.number(10 if depth < 3 else 7)
    if kind < 3:
        return draw.text()
    if kind == 3:
        return draw.number(65536) - 1000
    if kind == 4:
        return draw.one_of((0, -1, 1, 2048, 10**400, 0.5, 1e308, float("nan"), float("inf"), -0.0))
    if kind == 5:
        return draw.one_of((True, False, None))
    if kind == 6:
        return draw.one_of(_WORDS)
    if kind == 7:
        return [_value(draw, depth + 1) for _index in range(draw.number(4))]
    return {_key(draw): _value(draw, depth + 1) for _index in range(draw.number(4))}


_WORDS = (
    "starttls", "none", "implicit", "TLSv1.2", "TLSv1.3", "rcpt", "mail", "greeting", "550", "a@b.example", "PLAIN",
    "EXTERNAL", "relay.example.com", "192.0.2.1", "2001:db8::1%x", "::1", "any", "all", "lmtp", "never", "[192.0.2.1]",
)  # fmt: skip
_KEYS = ("recipient", "control_recipient", "sender", "rcpt", "mail", "RSA", "EC", "subject", "body", "headers", "version",
         "source_address", "source_port", "notify", "ret", "envid", "orcpt", "attachments", "content", "filename", "ADDR",
         "NAME", "probe", "html", "path", "content_type", "X-Test", "Subject", "From")  # fmt: skip


def _key(draw: Draw) -> Any:
    return draw.one_of(_KEYS) if draw.number(4) else draw.one_of((draw.text(), 1, None, True))


def expectation_loader(data: bytes) -> None:
    draw = Draw(data)
    given = {}
    for _index in range(1 + draw.number(4)):
        name = draw.one_of(list(RULES)) if draw.number(16) else draw.text()
        given[name] = _value(draw)
    try:
        expect = parse_expect(RULES, given)
    except OptionError as error:
        assert error.option.startswith("expect.")
        assert str(error).startswith(error.option)
        return
    assert parse_expect(RULES, expect) == expect
    facts = Facts(Transcript(0.0))
    facts.capabilities = {"SIZE": ["1000"], "AUTH": ["PLAIN"]}
    facts.tls = VERIFIED
    for rule in evaluate(RULES, expect, facts, {}, NOW):
        assert rule.outcome in ("met", "unmet", "unknown") and rule.text
        assert bool(rule.remedy) == (rule.outcome != "unknown")  # nobody knows what is wrong
    json.dumps(expect, allow_nan=False)


# What chance does not put together.
_TOGETHER: Tuple[Dict[str, Any], ...] = (
    {},
    {"proxy_protocol": {"version": 1, "source_address": "192.0.2.7"}},
    {"proxy_protocol": {"version": 2, "source_address": "2001:db8::7", "destination_address": "2001:db8::25"}},
    {"send": True, "sender": "a@b.example", "recipients": ["c@d.example"]},
)


def option_checks(data: bytes) -> None:
    """Any options: refused with the option's name, or a Request whose every command is one line."""
    draw = Draw(data)
    host = draw.one_of(_WORDS) if draw.number(4) else draw.text()
    given: Dict[str, Any] = {}
    for _index in range(1 + draw.number(6)):
        given[draw.one_of(sorted(OPTIONS))] = _value(draw)
    if draw.number(2):
        given.setdefault("sender", "a@b.example")
    given.update(draw.one_of(_TOGETHER))
    try:
        request = build_request(host, given, NOW)
    except OptionError as error:
        top = re.split(r"[.\[]", error.option)[0]
        assert top in OPTIONS or top == "host", error.option
        assert str(error).startswith(error.option + ": ")
        return
    _assert_one_line_each(request)


def _assert_one_line_each(request: Any) -> None:
    made = [commands.extra(text) for text in request.actions.extra_commands]
    made.append(commands.ehlo(request.endpoint.ehlo_name or "localhost"))
    if request.actions.sender is not None:
        made.append(commands.mail(request.actions.sender, request.actions.mail_parameters))
    if request.actions.dsn:
        made.append(commands.mail("", commands.dsn_of_mail(request.actions.dsn)))
    for address in request.actions.recipients:
        made.append(commands.rcpt(address, commands.dsn_of_rcpt({"orcpt": True}, address)))
    if request.endpoint.xclient:
        made.append(commands.xclient(request.endpoint.xclient))
    if request.endpoint.proxy_protocol:
        header = commands.proxy_header(request.endpoint.proxy_protocol, "192.0.2.25", 25)
        if request.endpoint.proxy_protocol["version"] == 1:
            made.append(header)
        assert_printable(header.shown)
    for command in made:
        assert command.wire.endswith(b"\r\n") and not re.search(rb"[\r\n\0]", command.wire[:-2])
        assert_printable(command.shown)
    if request.actions.message is not None:
        sent = b"".join(request.actions.message.blocks())
        assert len(sent) == request.actions.message.size and not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", sent)


# What lies in a mailbox, and what its server says of it


def mail(data: bytes) -> None:
    """A message that anybody may have written: its header, and what it reports about ours."""
    fields = fields_of(data)
    read = (trace_of(fields), authentication_of(fields, ("mx.example.net",)), spam_of(fields, ("mx.example.net",)))
    assert_printable(*texts_in(fields), *texts_in(read))
    report = report_in(data, Wanted("0123456789abcdef", envelope_id="env-1", recipient="user@example.net"))
    assert report is None or report.kind in ("bounce", "delay", "success", "auto_reply")
    assert_printable(*texts_in(report))
    assert len(repr(read)) < 60 * len(data) + 5000


def mailbox_answers(data: bytes) -> None:
    """Answers of a server as imaplib hands them on: lines, each with or without a literal."""
    items: List[Any] = [tuple(line.split(b"\0", 1)) if b"\0" in line else line for line in data.split(b"\n")]
    for uid, moment, octets in fetched(items):
        assert 0 <= uid < 10**10 and (moment is None or isinstance(moment, float)) and isinstance(octets, bytes)
    for item in items:
        name, flags = listed(item)
        assert isinstance(flags, bytes)
        assert_printable(name)


def texts_in(value: Any) -> Iterator[str]:
    """Every text in plain data or records, keys too."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from texts_in(list(value.items()))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from texts_in(inner)


TARGETS: Dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (
        replies, capabilities, explanations, certificates, tls_records, mail, mailbox_answers, web_answers, mta_sts_policies, tlsa_texts,
        sasl_dialogues, conversations, command_encoder, expectation_loader, option_checks,
    )
}  # fmt: skip
