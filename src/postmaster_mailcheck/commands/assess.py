# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: `mailcheck assess`, which is the role compliance without Ansible.

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

import postmaster_mailcheck
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.fleet import relays_of
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.options import AUDIT_OPTIONS, FLEET_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import (
    DOMAIN_OPTIONS,
    domain_options,
    wanted_domains,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.options import with_defaults
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep_options import SWEEP_OPTIONS
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import findings, not_judged
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._audits import audit_endpoints, beyond_audits
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._drift import drift, read_assessment
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS, extensions
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import (
    AUDIT,
    DOMAIN,
    RELAY,
    ProfileError,
    applied,
    load_profiles,
    names_of,
    with_profiles,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import (
    AS_SUCH,
    SEVERITIES,
    AssessmentError,
)
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._waivers import read_waivers
from postmaster_mailcheck import terminal
from postmaster_mailcheck.commands import notes, output
from postmaster_mailcheck.commands.arguments import add_check_mode, add_lenient, add_options, options_of
from postmaster_mailcheck.commands.endings import Mistake, exit_code, stop_on_interrupt
from postmaster_mailcheck.commands.files import check_place, load, load_options, read, told_by_place, write_whole
from postmaster_mailcheck.commands.parser import Manual
from postmaster_mailcheck.commands.sweep import TABLE, read_relays
from postmaster_mailcheck.commands.words import flag_of
from postmaster_mailcheck.views import assessments

if TYPE_CHECKING:
    import argparse
    from typing import Any, Dict, List, Optional

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Assessment, Row
    from postmaster_mailcheck.commands.parser import Parser

MANUAL = Manual(
    "Hold relays, audits of them and mail domains against profiles, without what waivers accept for a time, tell "
    "what has changed since the last run, and write reports. FILE is that of mailcheck sweep.",
    "[FILE]",
    """
mailcheck assess relays.txt --profile relay --html report.html
mailcheck assess relays.txt --profile mx --waivers waivers.yml --state mx.json
mailcheck assess relays.txt --audit-profile hardened-relay --html relays.html
mailcheck assess --mail-domains domains.txt --domain-profile receiving-domain
""",
    (
        ("--profile NAME", "of relays, or a path; several times (default: relay)"),
        ("--audit-profile NAME", "audit the relays, too, by a profile of audits"),
        ("--mail-domains FILE", "mail domains, one a line"),
        ("--domain-profile NAME", "a profile of domains, or a path; several times"),
        ("--waivers FILE", "what is accepted for a time, in YAML or JSON"),
        ("--state FILE", "JSON: the last run's is compared, and replaced"),
        ("--html FILE", "a page; as well --junit, --markdown, --prometheus"),
        ("--fail-on SEVERITY", "what fails: low, medium, high (default: high)"),
        ("--tls MODE", "starttls (the default), opportunistic, none, implicit"),
        ("--format F, --json", output.SHOWN),
    ),
    notes.notes(TABLE, "a rule could not be judged", of_many=True),
)
# What only an audit takes. The rest of its options are those of a sweep, and hold for both.
AUDIT_TABLE = {name: row for name, row in AUDIT_OPTIONS.items() if name not in TABLE}
_OF_EACH_RUN = ("deadline", "concurrency", "details")  # of a sweep and of an audit
_FLAGS = {RELAY: "--profile", AUDIT: "--audit-profile", DOMAIN: "--domain-profile"}  # what takes profiles of a kind
# What holds for relays and domains alike, unless a file says otherwise.
_OF_BOTH = set(DOMAIN_OPTIONS) & {*SWEEP_OPTIONS, *OPTIONS} - {"domains", "expect"}
_STATE = "json"  # the format that the next run reads


def add_arguments(parser: Parser) -> None:
    parser.manual = MANUAL
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        help="the relays, in which endpoints may have profiles of their own; - is standard input",
    )
    add_check_mode(parser, "do all that changes nothing: no message goes out")
    output.add_formats(parser)
    add_lenient(parser, "for rules that could not be judged")
    judging = parser.add_argument_group("what is judged, and by what")
    note = "a profile of relays, or the path of one (relay, if there is none). May be given several times."
    judging.add_argument("--profile", action="append", metavar="NAME", help=note)
    note = "a profile of audits, or the path of one: the relays of FILE are audited, too. May be given several times."
    judging.add_argument(_FLAGS[AUDIT], action="append", metavar="NAME", help=note)
    judging.add_argument(
        "--mail-domains", metavar="FILE",
        help="the mail domains, one a line; or in JSON or YAML a list of them, or the options of domain_check",
    )  # fmt: skip
    note = "a profile of domains, or the path of one. May be given several times."
    judging.add_argument("--domain-profile", action="append", metavar="NAME", help=note)
    judging.add_argument("--waivers", metavar="FILE", help="what is accepted for a time: a list, in JSON or YAML")
    judging.add_argument(
        "--fail-on", choices=SEVERITIES, default="high", help="the least grave finding that fails (high)"
    )
    reports = parser.add_argument_group("reports, besides what --format says")
    reports.add_argument("--title", help="their heading")
    reports.add_argument(
        "--state", metavar="FILE", help="JSON: what the last run wrote there is compared, and replaced"
    )
    for format_name in extensions():
        if format_name != _STATE:
            reports.add_argument("--" + format_name, metavar="FILE", help="write this report")
    add_options(parser, TABLE, "smtp_sweep")
    add_options(parser, AUDIT_TABLE, "smtp_audit", "audits, where there is an --audit-profile")


def run(given: argparse.Namespace) -> int:
    reports = {name: getattr(given, name) for name in extensions() if getattr(given, name, None)}
    if given.state:
        reports[_STATE] = given.state
    for name, file in reports.items():
        with output.needing_extras("--" + name):
            FORMATS[name].write  # noqa: B018  # which is imported by this
        check_place(file, _flag(name))
    try:
        with output.needing_extras("--profile"):
            wanted = _wanted(given)
        assessment = _judged(wanted, given)
    except (AssessmentError, ProfileError) as error:
        raise Mistake(str(error)) from None
    for name, file in reports.items():
        write_whole(file, FORMATS[name].write(assessment), given.output_mode, _flag(name))
    code = _exit_code(assessment, given)
    if given.format == output.TEXT:
        return output.tell_plainly((assessment, list(reports.values())), assessments.assessment, given, code)
    return output.tell_assessment(assessment, given, code)


def _flag(name: str) -> str:
    return "--state" if name == _STATE else "--" + name


class _Wanted(NamedTuple):
    """What is to be checked, and what it is judged by."""

    relays: Optional[Dict[str, Any]]  # options of a sweep
    audits: Optional[Dict[str, Any]]  # those of an audit of the same relays
    domains: Optional[Dict[str, Any]]  # those of a check of domains
    judging: Dict[str, Any]  # what assess() takes besides their results


def _wanted(given: argparse.Namespace) -> _Wanted:
    """Find every mistake before anything is checked. Raises AssessmentError, Mistake, OptionError, ProfileError."""
    options = options_of(given, {**SWEEP_OPTIONS, **OPTIONS})
    relays: Optional[Dict[str, Any]] = None
    audits: Optional[Dict[str, Any]] = None
    domains: Optional[Dict[str, Any]] = None
    if given.file or options.get("domains"):
        relays = {**options, **(read_relays(given.file) if given.file else {})}
    if given.mail_domains:
        shared = {name: value for name, value in options.items() if name in _OF_BOTH}
        domains = {**shared, **load_options(given.mail_domains, "--mail-domains", "domains", "domains")}
    if relays is None and domains is None:
        raise Mistake("there is nothing to judge. Name a FILE of relays (- is standard input), or --mail-domains")
    profiles, own = [], []
    if given.audit_profile:
        _of_kind(given.audit_profile, AUDIT)
        profiles.append(load_profiles(given.audit_profile, None, AUDIT))
        audits = _audits(relays or {}, options_of(given, AUDIT_TABLE))
    for held, entries, names, kind in (
        (relays, "endpoints", given.profile or [RELAY], RELAY),
        (domains, "domains", given.domain_profile or [], DOMAIN),
    ):
        if held is not None:
            _of_kind(names, kind)
            own += _own_profiles(held, entries)
            profiles.append(_let_expect(held, entries, names, kind))
    if domains is not None:
        with told_by_place("--mail-domains", domains["domains"]):
            wanted_domains(domain_options(domains))
    waivers = load(given.waivers, "--waivers") if given.waivers else []
    if not isinstance(waivers, list):
        raise Mistake("--waivers holds no list.")
    read_waivers(waivers)
    judging = {"waivers": waivers, "previous": _last(given.state), "title": given.title, "own_profiles": own}
    return _Wanted(relays, audits, domains, {"profile": profiles, **judging})


def _of_kind(names: List[str], kind: str) -> None:
    """Raises Mistake where one of these profiles is about something else, or is none, and ProfileError."""
    try:
        found = applied(names)
    except ProfileError as error:
        raise Mistake(re.sub(r"^profiles\[\d+\]", _FLAGS[kind], str(error))) from None
    for one in found:
        if one["kind"] != kind:
            told = "%s is about %ss: %s takes it"
            raise Mistake("%s: %s" % (_FLAGS[kind], told % (one["name"], one["kind"], _FLAGS[one["kind"]])))


def _audits(relays: Dict[str, Any], own: Dict[str, Any]) -> Dict[str, Any]:
    """The options of an audit of the relays that a sweep is to check. Whoever forges an MX record names another's.

    Raises AssessmentError, Mistake, OptionError.
    """
    hosts, endpoints = relays.get("hosts") or [], relays.get("endpoints") or []
    if not hosts and not endpoints:
        raise Mistake("%s: it audits the relays of FILE, and there are none" % _FLAGS[AUDIT])
    for name in beyond_audits(relays):
        raise Mistake("%s: no audit reaches a relay by %s" % (_FLAGS[AUDIT], flag_of(name)))
    (shared,) = audit_endpoints([relays])
    of_run = {name: relays[name] for name in _OF_EACH_RUN if name in relays}
    audits = {**shared, **of_run, **own, "hosts": hosts, "endpoints": audit_endpoints(endpoints)}
    with told_by_place("FILE", hosts):
        relays_of(with_defaults(audits, {**AUDIT_OPTIONS, **FLEET_OPTIONS}))
    return audits


def _own_profiles(options: Dict[str, Any], entries: str) -> List[str]:
    """The profiles that entries have instead of those that hold for all. Raises Mistake, ProfileError."""
    found = options.get(entries) or []
    if not isinstance(found, list):
        raise Mistake("%s: must be a list." % entries)
    return [name for one in found if isinstance(one, dict) for name in names_of(one.get("profiles") or [])]


def _let_expect(options: Dict[str, Any], entries: str, names: List[str], kind: str) -> Dict[str, Any]:
    """Let options, and those of entries, expect what their profiles do. Return the profile of all."""
    expect = options.get("expect")
    if not isinstance(expect, (dict, type(None))):
        raise Mistake("expect: must be a dictionary.")
    profile = load_profiles(names, expect, kind)
    options[entries] = with_profiles(options.get(entries) or [], expect)
    options["expect"] = profile["expect"]
    return profile


def _last(state: Optional[str]) -> Optional[str]:
    """What the last run wrote, if there was one. Raises AssessmentError, Mistake."""
    if not state or not os.path.exists(state):
        return None
    text = read(state, "--state")
    try:
        drift(text, read_assessment(text))  # which stumbles over what it could not compare
    except (AttributeError, LookupError, TypeError):
        raise Mistake("--state: what the last run wrote is no assessment: move it away to start anew") from None
    return text


def _judged(wanted: _Wanted, given: argparse.Namespace) -> Assessment:
    """Check, and judge. Raises AssessmentError, OptionError, ProfileError."""
    results: List[Dict[str, Any]] = []
    if wanted.relays is not None:
        with told_by_place("FILE", wanted.relays.get("hosts", ())), terminal.progress(None, given.detail) as progress:
            result = postmaster_mailcheck.sweep(
                check_mode=given.check_mode,
                on_start=stop_on_interrupt,
                on_report=progress.advance,
                on_retry=progress.retry,
                **wanted.relays,
            )
        results.append(result)
    if wanted.audits is not None:
        with terminal.progress(len(wanted.audits["hosts"]) + len(wanted.audits["endpoints"]), given.detail) as progress:
            result = postmaster_mailcheck.audit_relays(
                check_mode=given.check_mode,
                on_start=stop_on_interrupt,
                on_report=progress.advance,
                **wanted.audits,
            )
        results.append(result)
    if wanted.domains is not None:
        with terminal.progress(len(wanted.domains["domains"]), given.detail) as progress:
            result = postmaster_mailcheck.check_domains(
                on_start=stop_on_interrupt, on_report=progress.advance, **wanted.domains
            )
        results.append(result)
    return output.assessed(results, **wanted.judging)


def _exit_code(assessment: Assessment, given: argparse.Namespace) -> int:
    """That of a sweep, but that waived breaches do not count, and what is less grave than --fail-on."""
    ended = {row["verdict"] for row in assessment["endpoints"] if _ended_early(row)}
    if any(one["rule"] not in AS_SUCH for one in findings(assessment, given.fail_on)):
        ended.add("failed")
    return exit_code(ended or {"passed"}, any(not_judged(assessment)) and not given.lenient)


def _ended_early(row: Row) -> bool:
    """Whether the check of this relay or domain, or its audit, did not go as asked: the verdict tells how."""
    return any(rule["id"] in AS_SUCH and rule["outcome"] == "unmet" for rule in row["rules"])
