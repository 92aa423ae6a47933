# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What name servers and zone files say, and what comes of it for a mail domain.

from __future__ import annotations

import json
import os
import tempfile
from typing import TYPE_CHECKING, Any, Callable, Dict, List, Tuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import domain_options, wanted_domains
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.plan import Sources, domain_plan
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.report import as_report
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.messages import (
    MAX_RECORDS,
    fits,
    name_octets,
    query,
    read,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import (
    ABSENT,
    BOGUS,
    INSECURE,
    NOT_DETERMINED,
    PRESENT,
    SECURE,
    Answer,
    Caa,
    Mx,
    Question,
    Tlsa,
    not_determined,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.servers import read_resolv_conf
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.zone_files import ZoneFiles
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.names import is_literal
from ansible_collections.postmaster.mailcheck.tests.fuzz.targets import NOW, assert_printable, texts_in

if TYPE_CHECKING:
    from typing import Iterator

KINDS = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "PTR", "SOA", "TLSA", "TXT")
DOMAIN = "example.com"


def _assert_whole(answer: Answer) -> None:
    """An answer says what it is, and holds nothing that steers a terminal but the octets of TXT and TLSA."""
    assert answer.state in (PRESENT, ABSENT, NOT_DETERMINED, BOGUS)
    assert answer.dnssec in (SECURE, INSECURE, BOGUS, NOT_DETERMINED)
    assert bool(answer.records) == (answer.state == PRESENT)
    assert answer.state != NOT_DETERMINED or answer.dnssec == NOT_DETERMINED
    assert answer.ttl is None or 0 <= answer.ttl < 2**32
    assert_printable(answer.reason, *answer.aliases)
    if answer.question.kind != "TXT":
        assert_printable(*texts_in(answer.records))


def dns_messages(data: bytes) -> None:
    """The kind asked for, flags, how many records in each section; then the records, as a server may write them."""
    question = Question(DOMAIN, KINDS[data[0] % len(KINDS)] if data else "TXT")
    asked = query(name_octets(question.name), question.kind, 7)
    asked_for = asked[12 : 12 + len(name_octets(question.name)) + 4]
    flags, counts, rest = data[1:3].ljust(2, b"\0"), data[3:6].ljust(3, b"\0"), data[6:]
    header = asked[:2] + bytes((flags[0] & 0x87 | 0x80, flags[1])) + b"\0\1" + b"".join(b"\0%c" % one for one in counts)
    assert not fits(data, asked) or data[:2] == asked[:2]
    for reply in (header + asked_for + rest, header[:12] + rest):
        if not fits(reply, asked):
            continue
        told = read(question, reply)
        assert_printable(told.failure, told.extended)
        _assert_whole(told.answer._replace(reason=told.answer.reason or told.failure))
        assert len(told.answer.records) <= MAX_RECORDS and 0 <= told.rcode < 4096
        assert not (told.failure and told.answer.state != NOT_DETERMINED)


def resolv_confs(data: bytes) -> None:
    """The system's own file, whoever has written it."""
    servers = read_resolv_conf(data.decode("utf-8", "replace"))
    assert len(servers) <= 3 and all(is_literal(server.address) for server in servers)
    assert len({server.trusted for server in servers}) < 2
    for server in servers:
        assert server.is_loopback in (True, False)
        assert_printable(str(server))


def zone_texts(data: bytes) -> None:
    """A file that may be a zone: refused by file and line, or it answers whatever is asked of it."""
    if b"include" in data.lower() or b"generate" in data.lower():
        return  # other files, and as many records as their owner likes
    path = _file_of(data)
    try:
        zones = ZoneFiles([(path, "")])
    except OptionError as error:
        assert_printable(str(error))
        assert path in str(error) and error.option.startswith("zone_files")
        return
    finally:
        os.unlink(path)
    for name in (DOMAIN, "_dmarc." + DOMAIN, "a.b." + DOMAIN, "com", ""):
        for kind in KINDS:
            _assert_whole(zones.answer(Question(name, kind)))


def _file_of(data: bytes) -> str:
    handle, path = tempfile.mkstemp(suffix=".zone")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return path


class Published:
    """Answers any question from lines of text: what a domain publishes, and how its name servers fail.

    A line is a TXT record of every name, its strings apart by tabs; `@label text`: of names that begin so; `KIND text`
    is a record of another kind; `!label state` is what becomes of questions about such a name.
    """

    def __init__(self, lines: List[bytes]) -> None:
        self.asked = 0
        self._of_label: Dict[str, List[bytes]] = {}
        self._of_all: List[bytes] = []
        self._of_kind: Dict[str, List[Any]] = {}
        self._states: Dict[str, str] = {}
        for line in lines:
            word, _blank, rest = line.partition(b" ")
            shown = word.decode("latin-1")
            if shown[:1] == "@":
                self._of_label.setdefault(shown[1:], []).append(rest)
            elif shown[:1] == "!":
                self._states[shown[1:]] = _STATES[len(rest) % len(_STATES)]
            elif shown in _RECORDS:
                self._of_kind.setdefault(shown, []).extend(_RECORDS[shown](rest))
            else:
                self._of_all.append(line)

    def ask(self, question: Question, then: Callable[[Answer], None]) -> None:
        self.asked += 1
        then(self._answer(question))

    def _answer(self, question: Question) -> Answer:
        label = question.name.partition(".")[0]
        state = self._states.get(label, self._states.get(question.kind, PRESENT))
        if state in (NOT_DETERMINED, BOGUS):
            return not_determined(question, "SERVFAIL", "192.0.2.53")._replace(state=state, dnssec=state)
        records: Tuple[Any, ...] = tuple(self._of_kind.get(question.kind, ()))
        if question.kind == "TXT":
            lines = self._of_label.get(label, self._of_all)
            records = tuple(tuple(line[:2000].split(b"\t")) for line in lines)
        if state == ABSENT or not records:
            return Answer(question, ABSENT, (), SECURE, exists=state != ABSENT, server="192.0.2.53")
        return Answer(question, PRESENT, records, SECURE, True, ttl=300, server="192.0.2.53")


_STATES = (NOT_DETERMINED, BOGUS, ABSENT)


def _names(text: bytes) -> Iterator[str]:
    """As records hold them: whatever is no host's letter is escaped."""
    import dns.exception
    import dns.name

    from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.records import name_text

    try:
        yield name_text(dns.name.Name([label for label in text.split(b".") if label] + [b""]))
    except dns.exception.DNSException:
        return


def _mx(text: bytes) -> Iterator[Mx]:
    for name in _names(text[1:]) if text else ():
        yield Mx(text[0], name)


def _tlsa(text: bytes) -> Iterator[Tlsa]:
    if len(text) > 2:
        yield Tlsa(text[0] % 16, text[1] % 16, text[2] % 16, text[3:])


def _caa(text: bytes) -> Iterator[Caa]:
    words = text.decode("latin-1").partition(" ")
    tag, value = words[0], words[2].encode("ascii", "backslashreplace").decode("ascii")
    if tag.isascii() and tag.isalnum() and value.isprintable():
        yield Caa(128 if len(text) % 2 else 0, tag, value)


def _addresses(kind: str, text: bytes) -> Iterator[str]:
    import ipaddress

    size = 4 if kind == "A" else 16
    if len(text) >= size:
        yield str(ipaddress.ip_address(text[:size]))


_RECORDS: Dict[str, Callable[[bytes], Iterator[Any]]] = {
    "A": lambda text: _addresses("A", text),
    "AAAA": lambda text: _addresses("AAAA", text),
    "MX": _mx,
    "TLSA": _tlsa,
    "CAA": _caa,
    "PTR": _names,
    "NS": _names,
    "CNAME": _names,
    "SOA": _names,
}
_OPTIONS: Dict[str, Any] = {
    "selectors": ["s1"],
    "senders": [
        {"address": "192.0.2.25", "mail_from": "tim@example.com", "helo": "mx.example.com"},
        {"address": "2001:db8::25", "mail_from": "tim@example.com"},
    ],
    "look_at": [
        "mx", "dnssec", "dane", "mta_sts", "tls_rpt", "spf", "dkim", "dmarc", "bimi", "reverse", "blocklists", "caa",
    ],
    "blocklists": ["list.example"],
}  # fmt: skip
_MOST_QUESTIONS = 1000


def mail_domains(data: bytes) -> None:
    """What a domain publishes, a line a record, and after NUL what its policy host serves."""
    published, _nul, policy = data.partition(b"\0")
    given = {**_OPTIONS, "mta_sts_policies": {DOMAIN: policy.decode("utf-8", "replace")} if policy else {}}
    (wanted,) = wanted_domains(domain_options({**given, "domains": [DOMAIN]}))
    answerer = Published(published.split(b"\n"))
    report = as_report(_looked(wanted, Sources(answerer, None, {}, NOW)), NOW)
    shown = json.dumps(report, ensure_ascii=False, allow_nan=False)
    assert_printable(*texts_in({**report, "mta_sts_policy": None}))
    assert answerer.asked < _MOST_QUESTIONS, answerer.asked
    assert len(shown) < 100 * len(data) + 100000
    assert report["verdict"] in ("passed", "failed", "unreachable", "not_checked")
    for rule in report["rules"]:
        assert rule["outcome"] in ("met", "unmet", "unknown") and rule["text"]
        assert rule["remedy"] or rule["outcome"] != "unmet"
    for name in ("mx", "spf", "dmarc", "tls_rpt", "bimi"):
        facts = report.get(name)
        assert facts is None or facts["state"] in (PRESENT, ABSENT, BOGUS, NOT_DETERMINED)
        assert facts is None or not facts["valid"] or facts["state"] == PRESENT


def _looked(wanted: Any, sources: Sources) -> Any:
    plan = domain_plan(wanted, sources)
    told: Any = None
    try:
        while True:
            shared, told_to = plan.send(told), []  # type: Any, List[Any]
            shared.begin(told_to.append)
            (told,) = told_to
    except StopIteration as stop:
        return stop.value


TARGETS: Dict[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (dns_messages, resolv_confs, zone_texts, mail_domains)
}
