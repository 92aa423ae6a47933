# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# What may be expected of a message: the table RULES, and its judges. They look into a Finding.

from __future__ import annotations

from typing import TYPE_CHECKING

from .._errors import OptionError, did_you_mean
from .._verdicts.rules import RuleKind, flag, judged, number, parse_expect, unknown, words

if TYPE_CHECKING:
    from typing import Any, Dict, Mapping, Union

    from .._verdicts.rules import Judged
    from .finding import Finding

_NOT_ARRIVED = "the message has not arrived"
_BOUNCE = ("status", "within", "cause")


def parse_expectations(given: Mapping[str, Any]) -> Dict[str, Any]:
    return parse_expect(RULES, given)


# Forms


def _text(option: str, value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise OptionError(option, "must be the name of a folder, or `junk`.")
    return value


def _bounce(option: str, value: Any) -> Union[bool, Dict[str, Any]]:
    if isinstance(value, bool):
        return value
    if not isinstance(value, dict):
        raise OptionError(option, "must be true, false, or a mapping of %s." % ", ".join(_BOUNCE))
    for name in value:
        if name not in _BOUNCE:
            raise OptionError("%s.%s" % (option, name), "is not known.%s" % did_you_mean(str(name), _BOUNCE))
    if "within" in value:
        number("%s.within" % option, value["within"])
    return dict(value)


# Judges: expected value, Finding, time of day -> outcome, and what was observed


def _judge_arrived_within(expected: float, finding: Finding, _now: float) -> Judged:
    if finding.seconds is None:
        return judged(False, "not arrived")
    return judged(finding.seconds <= expected, round(finding.seconds, 1))


def _judge_folder(expected: str, finding: Finding, _now: float) -> Judged:
    if finding.message is None:
        return unknown(_NOT_ARRIVED)
    folder = finding.message.folder
    if expected.lower() == "junk":
        return judged(finding.junk, folder)
    return judged(expected == folder or expected.upper() == folder == "INBOX", folder)


def _judge_bounce(expected: Any, finding: Finding, _now: float) -> Judged:
    bounce = finding.bounce
    if expected is False:
        return judged(bounce is None, None if bounce is None else bounce.status or "a bounce")
    if bounce is None:
        return judged(False, "no bounce")
    wanted = expected if isinstance(expected, dict) else {}
    seconds = round(finding.bounce_seconds or 0, 1)
    observed = {"status": bounce.status, "within": seconds, "cause": bounce.cause}
    same = all(observed[name] == wanted[name] for name in ("status", "cause") if name in wanted)
    return judged(same and seconds <= wanted.get("within", seconds), observed)


def _judge_dkim(expected: Any, finding: Finding, _now: float) -> Judged:
    """What holds by our own verification counts more than what the receiver has claimed."""
    own = finding.dkim
    if own is not None and own.state == "present":
        result = "pass" if own.valid else "fail"
        return judged(result in expected, result)
    return _result("dkim", expected, finding)


def _judge_spf(expected: Any, finding: Finding, _now: float) -> Judged:
    return _result("spf", expected, finding)


def _judge_dmarc(expected: Any, finding: Finding, _now: float) -> Judged:
    return _result("dmarc", expected, finding)


def _result(method: str, expected: Any, finding: Finding) -> Judged:
    found = finding.authentication
    if found is None:
        return unknown(_NOT_ARRIVED)
    result = getattr(found, method)
    if result is None:
        return unknown(found.reason or "the receiver tells no result of %s" % method)
    return judged(result in expected, result)


def _judge_tls(expected: bool, finding: Finding, _now: float) -> Judged:
    if finding.trace is None:
        return unknown(_NOT_ARRIVED)
    if finding.trace.encrypted is None:
        return unknown("not every server on the way says how it got the message")
    clear = [hop.by or "a server" for hop in finding.trace.hops if hop.tls is False and not hop.local]
    observed = "in clear to " + ", ".join(clear) if clear else "encrypted"
    return judged(finding.trace.encrypted is expected, observed)


def _judge_spam(expected: bool, finding: Finding, _now: float) -> Judged:
    if finding.spam is None:
        return unknown(_NOT_ARRIVED)
    if finding.spam.flagged is None:
        return unknown("no filter of the receiver says whether it takes the message for spam")
    return judged(finding.spam.flagged is expected, finding.spam.flagged)


RULES: Dict[str, RuleKind] = {
    "arrived_within": RuleKind(
        "find", "high", number, _judge_arrived_within, "the message arrives within %s seconds",
        "See trace for the hop that takes long, and that server's queue and log."),
    "folder": RuleKind(
        "find", "high", _text, _judge_folder, "the message arrives in %s",
        "See spam and authentication for what a filter found, and the rules that file mail for this mailbox."),
    "bounce": RuleKind(
        "find", "high", _bounce, _judge_bounce, "a bounce comes back: %s",
        "See the queue and the log of the server that is to send it, and that the sender's mailbox is this one."),
    "dkim": RuleKind(
        "find", "high", words, _judge_dkim, "DKIM is %s",
        "Let the sending server sign, publish the key, and let nothing change the message after it is signed."),
    "spf": RuleKind(
        "find", "high", words, _judge_spf, "SPF is %s",
        "Let the SPF record of the sender's domain name the server that delivers to the receiver."),
    "dmarc": RuleKind(
        "find", "high", words, _judge_dmarc, "DMARC is %s",
        "Let SPF or DKIM pass for the very domain in From."),
    "tls_on_every_hop": RuleKind(
        "find", "high", flag, _judge_tls, "every hop over a network is encrypted",
        "Let the server before the hop in clear use TLS, and the one after it offer STARTTLS."),
    "spam": RuleKind(
        "find", "medium", flag, _judge_spam, "a filter flags the message as spam",
        "See spam for the filter and its score."),
}  # fmt: skip
