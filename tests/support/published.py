# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a domain publishes, written down shortly, as answers for tests/support/answers.py.

from __future__ import annotations

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import (
    ABSENT,
    BOGUS,
    NOT_DETERMINED,
    PRESENT,
    SECURE,
    Answer,
    Caa,
    Mx,
    Question,
    Tlsa,
)

RESOLVER = "192.0.2.52"
_NO_QUESTION = Question("", "")
SERVFAIL = Answer(_NO_QUESTION, NOT_DETERMINED, reason="SERVFAIL", server=RESOLVER)
BAD_SIGNATURE = Answer(
    _NO_QUESTION,
    BOGUS,
    dnssec=BOGUS,
    reason="bogus for this resolver (192.0.2.52): RRSIGs missing (extended error 10)",
    server=RESOLVER,
)
NO_DATA = Answer(_NO_QUESTION, ABSENT, dnssec=SECURE, exists=True, server=RESOLVER)  # the name is there


def zone(table, dnssec=SECURE):
    """Return answers from `{"example.com MX": ["10 mx.example.com"]}`.

    A record is written as in a zone file, but without quotes; a TXT of several strings is a list of them. Instead of
    records there may be an Answer.
    """
    answers = {}
    for owner, records in table.items():
        name, kind = owner.split()
        question = Question(name, kind)
        if isinstance(records, Answer):
            answers[question] = records._replace(question=question)
        else:
            values = tuple(_record(kind, record) for record in records)
            answers[question] = Answer(question, PRESENT, values, dnssec, True, ttl=3600, server=RESOLVER)
    return answers


def alias(target, records=(), dnssec=SECURE):
    """Return the answer of a name that is an alias of `target`, which has these records, written as above, or none."""
    state = PRESENT if records else ABSENT
    return Answer(_NO_QUESTION, state, tuple(records), dnssec, True, aliases=(target,), server=RESOLVER)


def _record(kind, text):
    if kind == "TXT":
        strings = [text] if isinstance(text, (str, bytes)) else text
        return tuple(string if isinstance(string, bytes) else string.encode("utf-8") for string in strings)
    if kind == "MX":
        preference, host = text.split()
        return Mx(int(preference), host.rstrip("."))
    if kind == "TLSA":
        usage, selector, matching_type, data = text.split()
        return Tlsa(int(usage), int(selector), int(matching_type), bytes.fromhex(data))
    if kind == "CAA":
        flags, tag, value = text.split(" ", 2)
        return Caa(int(flags), tag, value)
    return text
