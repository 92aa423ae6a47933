# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The probes that an audit leaves to sslyze, settled by what that has seen. sslyze runs by itself: its JSON is read here
# as plain data, and what is not in the form that it documents leaves its question open.

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.report import with_probes
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import cut, printable
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._relays import which_relay
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterable, List, Mapping, Optional, Sequence, Tuple, Union

    from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.model import Probe
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._relays import Relay

    Answer = Tuple[str, str, Optional[str]]  # status, what was seen, how grave where not as usual

_WORST_FIRST = ("finding", "unknown", "pass")
_BROKEN = re.compile("_(?:EXPORT|RC4|RC2|3DES|DES|DES40)_")


class Question(NamedTuple):
    """How a probe that was left to sslyze is settled: which of its commands are needed, and what their results mean."""

    commands: Tuple[str, ...]
    judge: Callable[..., Answer]  # of the results of the commands


def _flag(key: str, seen: str, fine: str) -> Callable[[Mapping[str, Any]], Answer]:
    """Judge by one boolean, which is true where there is something to find."""

    def judge(result: Mapping[str, Any]) -> Answer:
        return ("finding", seen, None) if _boolean(result, key) else ("pass", fine, None)

    return judge


def _boolean(result: Mapping[str, Any], key: str) -> bool:
    value = result.get(key)
    if not isinstance(value, bool):
        raise ValueError("it does not say %s" % key)
    return value


def _robot(result: Mapping[str, Any]) -> Answer:
    told = str(result.get("robot_result"))
    if told.startswith("VULNERABLE_"):
        return "finding", "sslyze says %s" % told, "medium" if told == "VULNERABLE_WEAK_ORACLE" else None
    if told.startswith("NOT_VULNERABLE_"):
        return "pass", "sslyze says %s" % told, None
    raise ValueError("it says %s" % (told if told.startswith("UNKNOWN_") else "nothing that is known"))


def _renegotiation(result: Mapping[str, Any]) -> Answer:
    if not _boolean(result, "supports_secure_renegotiation"):
        return "finding", "it renegotiates without the extension that binds sessions together", None
    if _boolean(result, "is_vulnerable_to_client_renegotiation_dos"):
        return "finding", "clients may have it renegotiate again and again, which costs it more than them", "low"
    return "pass", "it renegotiates securely, or not at all", None


def _accepted_suites(result: Mapping[str, Any]) -> List[str]:
    """Return the names of suites, as IANA has them."""
    try:
        return [str(one["cipher_suite"]["name"]) for one in result["accepted_cipher_suites"]]
    except (LookupError, TypeError):
        raise ValueError("it does not say accepted_cipher_suites") from None


def _broken_suites(*results: Mapping[str, Any]) -> Answer:
    accepted = dict.fromkeys(name for result in results for name in _accepted_suites(result) if _BROKEN.search(name))
    if accepted:
        return "finding", "it accepts %s" % ", ".join(accepted), None
    return "pass", "it refuses EXPORT, RC4, DES and 3DES", None


def _ssl_versions(*results: Mapping[str, Any]) -> Answer:
    accepted = [version for version, result in zip(("SSL 2.0", "SSL 3.0"), results) if _accepted_suites(result)]
    if accepted:
        return "finding", "it accepts " + " and ".join(accepted), None
    return "pass", "it refuses SSL 2.0 and SSL 3.0", None


QUESTIONS = {
    "robot": Question(("robot",), _robot),
    "heartbleed": Question(
        ("heartbleed",),
        _flag("is_vulnerable_to_heartbleed", "it sends more than it was sent", "it sends no more than it was sent"),
    ),
    "ccs_injection": Question(
        ("openssl_ccs_injection",), _flag("is_vulnerable_to_ccs_injection", "it takes one", "it refuses it")
    ),
    "renegotiation": Question(("session_renegotiation",), _renegotiation),
    "compression": Question(("tls_compression",), _flag("supports_compression", "it does", "it does not")),
    "broken_suites": Question(
        ("tls_1_0_cipher_suites", "tls_1_1_cipher_suites", "tls_1_2_cipher_suites"), _broken_suites
    ),
    "ssl_versions": Question(("ssl_2_0_cipher_suites", "ssl_3_0_cipher_suites"), _ssl_versions),
}


def with_sslyze(result: Mapping[str, Any], output: Union[str, Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the relays of an audit with what sslyze says of them, for assess().

    `result`: what smtp_audit returned; `output`: what sslyze wrote with --json_out, or that read. A relay that sslyze
    was not asked about has its questions open. Raises AssessmentError.
    """
    scans = _scans(output)
    rows = result["endpoints"] if "endpoints" in result else [result]
    if not all("probes" in row for row in rows):
        raise AssessmentError("this is no result of smtp_audit: it has no probes")
    return {"endpoints": [_with_probes(row, scans.get(which_relay(row), ())) for row in rows]}


def _scans(output: Union[str, Mapping[str, Any]]) -> Dict[Relay, List[Mapping[str, Any]]]:
    """Return what there is of each relay: one name may stand for several machines, each scanned for itself."""
    scans: Dict[Relay, List[Mapping[str, Any]]] = {}
    try:
        read = json.loads(output) if isinstance(output, str) else output
        places = [(scan["server_location"], scan) for scan in read["server_scan_results"]]
        for place, scan in places:
            scans.setdefault(which_relay({"host": place["hostname"], "port": place["port"]}), []).append(scan)
        return scans
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise AssessmentError("this is not what sslyze writes with --json_out") from None


def _with_probes(row: Mapping[str, Any], scans: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return the row with sslyze's answers in the place of those that the audit has left to it."""
    others = [one for one in row["probes"] if one["name"] not in QUESTIONS]
    probes = [_probed(PROBES[name], question, scans) for name, question in QUESTIONS.items()]
    return with_probes(row, [*others, *probes])


def _probed(probe: Probe, question: Question, scans: Sequence[Mapping[str, Any]]) -> Dict[str, Any]:
    """Return an answer in the form of a probe. Its severity stands there whatever it came to: now it weighs."""
    answers = [_answer(question, scan) for scan in scans or (None,)]
    status, text, severity = min(answers, key=lambda answer: _WORST_FIRST.index(answer[0]))
    found = status == "finding"
    return {
        "name": probe.name,
        "status": status,
        "text": cut(printable(text)),  # sslyze's own words may be in it
        "severity": severity or probe.severity,
        "proof": "reply" if found else None,
        "meaning": probe.meaning if found else "",
        "remedy": probe.remedy if found else "",
        "question": probe.question,
        "intensity": probe.intensity,
        "source": probe.source,
        "left_to": None,
        "dialogues": [],
    }


def _answer(question: Question, scan: Optional[Mapping[str, Any]]) -> Answer:
    try:
        return question.judge(*_results(question.commands, scan))
    except ValueError as why:
        return "unknown", "sslyze did not settle it: %s" % why, None


def _results(commands: Iterable[str], scan: Optional[Mapping[str, Any]]) -> List[Mapping[str, Any]]:
    """Return the result of each command. Raises ValueError, which says why there is none."""
    if scan is None:
        raise ValueError("it was not asked about this relay")
    attempts = scan.get("scan_result")
    if not isinstance(attempts, dict):
        raise ValueError("it could not reach the relay")
    results: List[Mapping[str, Any]] = []
    for command in commands:
        attempt = attempts.get(command)
        if not isinstance(attempt, dict) or attempt.get("status") == "NOT_SCHEDULED":
            raise ValueError("it was not asked for %s" % command)
        result = attempt.get("result")
        if attempt.get("status") != "COMPLETED" or not isinstance(result, dict):
            reason = attempt.get("error_reason")
            raise ValueError("%s ended with %s" % (command, reason if isinstance(reason, str) else "an error"))
        results.append(result)
    return results
