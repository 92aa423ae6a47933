# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What is wrong with a record and with those it leads to, in the order of the tree.
#
# Of a record that is included only what makes the whole fail counts: how it ends is not the includer's business.

from __future__ import annotations

from typing import TYPE_CHECKING

from ..._net.dns.model import ABSENT, BOGUS, NOT_DETERMINED
from ..._net.text import decode, printable
from ..problems import problem
from .evaluate import MAX_LOOKUPS, MAX_MAIL_SERVERS, MAX_VOID_LOOKUPS
from .reach import reach_of
from .record import MECHANISMS, apart, cut_term

if TYPE_CHECKING:
    from typing import Iterable, Iterator

    from ..._net.dns.model import Answer
    from ..problems import Problem
    from .record import Record
    from .tree import Node

MAX_FAULTS = 10  # of one record, that are said one by one
MAX_OCTETS = 450  # of a record, RFC 7208 3.4
UNDECIDED = ("spf_not_determined", "spf_not_followed")


def problems_of(root: Node, answer: Answer) -> Iterator[Problem]:
    """Yield what is wrong with the record of a domain, each thing once."""
    if root.state == ABSENT:
        yield from _versions(answer)
    reach = reach_of(root, most=False)
    if reach.strangers:
        yield problem("spf_pass_all", reach.text)
    found = [about for node in root.walk() for about in _of_node(node)]
    yield from dict.fromkeys(found)
    if root.lookups > MAX_LOOKUPS:
        yield problem("spf_lookups", "%d DNS look-ups, and no more than %d" % (root.lookups, MAX_LOOKUPS))
    if root.void_lookups > MAX_VOID_LOOKUPS:
        words = "%d look-ups find nothing, and no more than %d"
        yield problem("spf_void_lookups", words % (root.void_lookups, MAX_VOID_LOOKUPS))


def undecided(problems: Iterable[Problem]) -> str:
    """Return why a record without an error may have one all the same, "" where it cannot."""
    return "; ".join(found.text for found in problems if found.id in UNDECIDED)


def _versions(answer: Answer) -> Iterator[Problem]:
    """What begins like SPF and is none (RFC 7208 4.5)."""
    for strings in answer.records[:100]:
        text = b"".join(strings)
        if text.lstrip(b"\"' ").lower().startswith((b"v=spf1", b"v=spf ", b"spf1 ")):
            yield problem("spf_version", "'%s'" % cut_term(decode(text)))


def _of_node(node: Node) -> Iterator[Problem]:
    """What a term is, or leads to."""
    domain = cut_term(printable(node.domain))
    about = "%s: %s" % (cut_term(printable(node.above[-1])), cut_term(node.term.text)) if node.term else domain
    if node.loops:
        yield problem("spf_loop", about)
    elif node.records > 1:
        yield problem("spf_several_records", "%s has %d" % (domain, node.records))
    elif node.term and node.leads_on and node.state == ABSENT:
        parts = apart(node.term.text)
        hint = " (is a space missing before %s?)" % cut_term(parts[1]) if parts else ""
        yield problem("spf_include_without_record", about + hint)
    elif node.term and node.state in (BOGUS, NOT_DETERMINED):
        yield problem("spf_not_determined", "%s (%s)" % (about, node.reason))
    elif node.leads_on and not node.followed:
        yield problem("spf_not_followed", "%s (%s)" % (about, node.reason))
    if node.mail_servers > MAX_MAIL_SERVERS:
        yield problem("spf_mail_servers", "%s: %d, and no more than %d" % (about, node.mail_servers, MAX_MAIL_SERVERS))
    if node.record:
        yield from _of_record(node, node.record, domain)


def _of_record(node: Node, record: Record, domain: str) -> Iterator[Problem]:
    faults = record.faults
    for fault in faults[:MAX_FAULTS]:
        yield problem("spf_syntax", "%s: %s" % (domain, fault))
    if faults:
        if len(faults) > MAX_FAULTS:
            yield problem("spf_syntax", "%s: %d more" % (domain, len(faults) - MAX_FAULTS))
        return
    if record.octets > MAX_OCTETS:
        yield problem("spf_long", "%s: %d octets" % (domain, record.octets))
    for term in record.directives:
        if term.name == "ptr":
            yield problem("spf_ptr", "%s: %s" % (domain, cut_term(term.text)))
    for term in record.terms:
        if not term.qualifier and term.name in MECHANISMS:
            yield problem("spf_looks_like_mechanism", "%s: %s" % (domain, cut_term(term.text)))
    if node.term is None or node.term.name == "redirect":
        yield from _of_ending(record, domain)


def _of_ending(record: Record, domain: str) -> Iterator[Problem]:
    """How a record ends that decides by itself."""
    directives = record.directives
    names = [term.name for term in directives]
    if "all" not in names:
        if record.modifier("redirect") is None:
            yield problem("spf_no_all", domain)
        return
    at = names.index("all")
    if directives[at].qualifier == "?":
        yield problem("spf_neutral_all", domain)
    if at < len(names) - 1:
        yield problem(
            "spf_behind_all", "%s: %s" % (domain, cut_term(" ".join(term.text for term in directives[at + 1 :])))
        )
    if record.modifier("redirect"):
        yield problem("spf_redirect_ignored", domain)
