# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The options of a check of mail domains, in the form of an Ansible argument spec, and what one domain comes to.
#
# Everything a caller may have got wrong is refused here, before any question is asked, with an OptionError that names
# the option and the remedy.

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError
from .._net.dns.servers import checked_servers
from .._net.names import is_literal
from .._net.options import clean, in_range, seconds, to_ascii, with_defaults
from .._smtp.endpoint import endpoint_of, is_ehlo_name
from .._smtp.options import OPTIONS, RELAY_CONNECTION
from .._smtp.resolvers import resolvers_of
from .._verdicts.rules import parse_expect
from .judges import POLICIES
from .rules import RULES
from .spf.client import Sender

if TYPE_CHECKING:
    from typing import Any, Container, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

# What may be looked at, and whether it is unless the caller says otherwise.
LOOK_AT = {
    "mx": True, "dnssec": True, "dane": True, "mta_sts": True, "tls_rpt": True, "spf": True, "dkim": True,
    "dmarc": True, "bimi": False, "reverse": False, "blocklists": False, "caa": False,
}  # fmt: skip
NOT_IN_ZONE_FILES = ("dnssec", "dane")  # which only servers show, since they sign

# What a domain may have of its own, in place of what holds for all.
OF_ONE: Dict[str, Dict[str, Any]] = {
    "selectors": {"type": "list", "elements": "str"},
    "senders": {"type": "list", "elements": "raw"},
    "look_at": {"type": "list", "elements": "str", "choices": list(LOOK_AT)},
    "relays": {"type": "bool"},
    "expect": {"type": "dict"},
}
# What only a domain itself may have: words of the caller's, handed back as they are.
_OF_ONE_ALONE: Dict[str, Dict[str, Any]] = {"labels": {"type": "dict", "default": {}}}
# How the relays of a domain, and its policy host, are spoken to: as a check of one relay is.
CONNECTING = (*RELAY_CONNECTION, "timeout")

DOMAIN_OPTIONS: Dict[str, Dict[str, Any]] = {
    "domains": {"type": "list", "elements": "raw", "required": True},
    **OF_ONE,
    "blocklists": {"type": "list", "elements": "str", "default": []},
    "zone_files": {"type": "list", "elements": "path", "default": []},
    "mta_sts_policies": {"type": "dict", "default": {}},
    "dns_servers": OPTIONS["dns_servers"],
    "dns_timeout": OPTIONS["dns_timeout"],
    "trusted_resolvers": {"type": "list", "elements": "str", "default": []},
    **{name: OPTIONS[name] for name in CONNECTING},
    "concurrency": {"type": "int", "default": 200},
    "deadline": {"type": "float"},
}
# The rules that `expect` may name, as suboptions: what Ansible checks of their values, before rules.py does.
_VALUES: Dict[str, Dict[str, Any]] = {
    "mta_sts_mode": {"type": "str", "choices": ["testing", "enforce"]},
    "spf_lookups": {"type": "float"},
    "dkim_min_bits": {"type": "raw"},
    "dmarc_policy": {"type": "str", "choices": list(POLICIES)},
}
EXPECT_OPTIONS: Dict[str, Dict[str, Any]] = {name: _VALUES.get(name, {"type": "bool"}) for name in RULES}


class Wanted(NamedTuple):
    """One domain to look at."""

    given: str  # as the caller wrote it
    domain: str  # A-labels, lower case, no dot at the end
    selectors: Tuple[str, ...]
    senders: Tuple[Sender, ...]
    look_at: Tuple[str, ...]
    relays: bool
    expect: Mapping[str, Any]  # None: a rule that is not to be judged, though it usually is
    not_applied: Tuple[str, ...]  # rules of `expect` about relays, where the caller says that these are not looked at
    labels: Mapping[str, Any]
    blocklists: Tuple[str, ...]
    policy: Optional[str]  # of MTA-STS, given instead of fetched


def domain_options(given: Mapping[str, Any]) -> Dict[str, Any]:
    """Return every option of a run, from `given` or by default. Raises OptionError."""
    options = with_defaults(given, DOMAIN_OPTIONS)
    if options["deadline"] is not None:
        seconds("deadline", options["deadline"])
    in_range("concurrency", options["concurrency"], 1, 10000)
    resolvers_of(options)
    checked_servers("trusted_resolvers", options["trusted_resolvers"])
    endpoint_of("mx.invalid", with_defaults({name: options[name] for name in CONNECTING}, OPTIONS))
    options["blocklists"] = _names("blocklists", options["blocklists"])
    options["mta_sts_policies"] = dict(_policy(name, text) for name, text in options["mta_sts_policies"].items())
    return options


def wanted_domains(options: Mapping[str, Any]) -> List[Wanted]:
    """Return the domains to look at, in the order given. Raises OptionError."""
    if not options["domains"]:
        raise OptionError("domains", "is empty. Give at least one.")
    return [_wanted("domains[%d]" % index, one, options) for index, one in enumerate(options["domains"])]


def _wanted(option: str, one: Any, options: Mapping[str, Any]) -> Wanted:
    if isinstance(one, str):
        one = {"domain": one}
    if not isinstance(one, dict) or not isinstance(one.get("domain"), str):
        raise OptionError(option, "must be a name, or a mapping with domain and options of its own.")
    given = {name: value for name, value in one.items() if name != "domain"}
    own = with_defaults(given, {**OF_ONE, **_OF_ONE_ALONE}, option + ".")
    mine = {name: options[name] if value is None else value for name, value in own.items()}
    written = {name: name if own[name] is None else "%s.%s" % (option, name) for name in OF_ONE}  # where it stands
    domain = dns_name(option, one["domain"])
    expect = _expectations(written["expect"], mine["expect"] or {})
    not_applied = tuple(name for name in expect if expect[name] is not None and RULES[name].stage == "relays")
    if mine["relays"] is False:
        expect = {name: value for name, value in expect.items() if name not in not_applied}
    needed = {RULES[name].stage for name, value in expect.items() if value is not None}
    return Wanted(
        given=one["domain"],
        domain=domain,
        selectors=tuple(_selectors(written["selectors"], mine["selectors"] or (), domain)),
        senders=tuple(
            sender_of("%s[%d]" % (written["senders"], index), sender)
            for index, sender in enumerate(mine["senders"] or ())
        ),
        look_at=_look_at(written["look_at"], mine["look_at"], needed, options),
        relays="relays" in needed and not options["zone_files"] if mine["relays"] is None else mine["relays"],
        expect=expect,
        not_applied=not_applied if mine["relays"] is False else (),
        labels=mine["labels"],
        blocklists=tuple(options["blocklists"]),
        policy=options["mta_sts_policies"].get(domain),
    )


def _expectations(option: str, given: Mapping[str, Any]) -> Dict[str, Any]:
    """Return what is expected in its normal form, with None for each rule that is taken away."""
    return {**dict.fromkeys(given), **parse_expect(RULES, given, option)}


def _look_at(
    option: str, given: Optional[Sequence[str]], needed: Container[str], options: Mapping[str, Any]
) -> Tuple[str, ...]:
    """Return what to look at: if nobody says, what is usual, and what there are rules about in `expect` (`needed`)."""
    if given is None:
        left_out = NOT_IN_ZONE_FILES if options["zone_files"] else ()
        given = tuple(name for name, usual in LOOK_AT.items() if (usual and name not in left_out) or name in needed)
    if not given:
        raise OptionError(option, "is empty. Say what to look at, or leave it out.")
    if "blocklists" in given and not options["blocklists"]:
        raise OptionError("blocklists", "are needed, since %s has them: none are asked by default." % option)
    return tuple(dict.fromkeys(given))


def _selectors(option: str, given: Sequence[str], domain: str) -> Iterator[str]:
    """Yield selectors; a dot in one is a label's end, as in any name (RFC 6376 3.1)."""
    for index, selector in enumerate(_names(option, given)):
        if len(selector + domain) > _LONGEST - len("._domainkey."):
            text = "is too long: with ._domainkey and the domain, a name has at most %d characters." % _LONGEST
            raise OptionError("%s[%d]" % (option, index), text)
        yield selector


def sender_of(option: str, given: Any) -> Sender:
    """Return a sender, an address or a host name, in its normal form. Raises OptionError."""
    where = option
    if isinstance(given, str):
        given = {"address": given}
    elif isinstance(given, dict):
        where = option + ".address"
    known = {name: {"type": "str"} for name in ("address", "mail_from", "helo")}
    if not isinstance(given, dict) or not given.get("address"):
        raise OptionError(option, "must be an address, a host name, or a mapping of address, mail_from and helo.")
    row = with_defaults(given, known, option + ".")
    literal = is_literal(row["address"]) and "%" not in row["address"]
    address = row["address"] if literal else dns_name(where, row["address"])
    return Sender(address, _mail_from(option + ".mail_from", row["mail_from"]), _helo(option + ".helo", row["helo"]))


def _mail_from(option: str, given: Optional[str]) -> str:
    """Return an address with its domain as the DNS has it; a domain alone stands for its postmaster."""
    if not given:
        return ""
    local_part, _at, domain = clean(option, given).rpartition("@")
    if re.search("[\\s<>@]", local_part) and not local_part.startswith('"'):
        raise OptionError(option, "is no address. Give it bare: user@example.com, without <>.")
    return "%s@%s" % (local_part or "postmaster", dns_name(option, domain))


def _helo(option: str, given: Optional[str]) -> str:
    """Return what a sender says in EHLO: a name, or an address in brackets (RFC 5321 4.1.3)."""
    if not given:
        return ""
    return given if given.startswith("[") and is_ehlo_name(given) else dns_name(option, given)


_LONGEST = 253  # characters of a name (RFC 1035 2.3.4)
# The underscore is no host's, but what a domain publishes has it (RFC 8552).
_LABEL = re.compile("[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")


def dns_name(option: str, text: Any) -> str:
    """Return a name as the DNS has it: A-labels, lower case, no dot at the end. Raises OptionError."""
    if not isinstance(text, str):
        raise OptionError(option, "must be a name, not of type %s." % type(text).__name__)
    if is_literal(text):
        raise OptionError(option, "is an address. Give a name.")
    name = to_ascii(option, text).lower()
    name = name[:-1] if name.endswith(".") else name
    if len(name) > _LONGEST or not all(map(_LABEL.fullmatch, name.split("."))):
        wrong = "is no name: the DNS has labels of 1 to 63 letters, digits, - and _, dots between them, %d in all."
        raise OptionError(option, wrong % _LONGEST)
    return name


def _names(option: str, given: Sequence[str]) -> List[str]:
    return [dns_name("%s[%d]" % (option, index), name) for index, name in enumerate(given)]


def _policy(name: Any, text: Any) -> Tuple[str, str]:
    domain = dns_name("mta_sts_policies", name)
    if not isinstance(text, str):
        wrong = "must be the text of a policy, not of type %s." % type(text).__name__
        raise OptionError("mta_sts_policies.%s" % domain, wrong)
    return domain, text
