# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mail relays from Python, with the engine of the Ansible collection postmaster.mailcheck.

    report = check("relay.example.com", port=587)       # one relay: a dictionary of facts
    fleet = sweep(["mx1.example.com", "mx2.example.com:587"], deadline=60)    # many at once
    ours = check_domains(["example.com"], selectors=["s1"])    # what mail domains publish, and what is wrong with it
    mail = wait_for_mail(host="imap.example.com", username="probe", password=..., token=...)    # whether it arrived
    found = audit("relay.example.com")    # how a relay stands up to those who mean ill: findings
    all_ = audit_relays(["mx1.example.com", "mx2.example.com"])    # the same for many, side by side
    with Sink(inject=True) as sink: ...    # what a client or a relay sends, and what it does when the server misbehaves
    meaning = explain("550 5.1.1 <x@example.com>: User unknown")    # what a reply means: cause, explanation, hint

`check(host, *, check_mode=False, on_start=None, **options)` takes the options of the module smtp_check and returns what
its RETURN lists; `sweep(hosts, *, check_mode=False, on_start=None, on_report=None, **options)` those of smtp_sweep,
`check_domains(domains, *, check_mode=False, on_start=None, on_report=None, **options)` those of domain_check,
`audit(host, *, check_mode=False, on_start=None, **options)` those of smtp_audit, as does `audit_relays(hosts, *,
check_mode=False, on_start=None, on_report=None, **options)`, and `wait_for_mail(*, check_mode=False, on_start=None,
**options)` those of wait_for_mail.
All return plain data: dictionaries, lists, strings, numbers, booleans, None. `warnings` is a list of sentences.

`explain(reply, stage=None)` takes a whole reply, a line of a log or a bounce that holds one, bare codes, a cause
or a rule.

Whatever a relay does is in the report, `verdict` first. `OptionError` is raised for a caller's mistake, before any
socket opens; its `option` names the option. `on_start` is given a function that ends the check early, from another
thread or a signal handler; `on_report` each report of a sweep, of many audits or of a domain as it comes. `check()` and
`sweep()` take `on_retry` too, which is given why an attempt did not pass that another one is to follow.

Importing this imports nothing of Ansible. All public names are in `__all__`; whatever lies below
`ansible_collections.postmaster.mailcheck.plugins.module_utils`, and the other files of this package, is private.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import List

    from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.check import audit, audit_relays
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.check import check_domains
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.wait import wait_for_mail
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.check import check
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._version import __version__
    from postmaster_mailcheck.explanations import explain
    from postmaster_mailcheck.sink.server import Sink
else:

    def __getattr__(name):
        """Import a public name when it is first asked for (PEP 562): who checks one relay loads nothing of sweeps."""
        if name not in _DEFINED_IN:
            raise AttributeError("module %r has no attribute %r" % (__name__, name))
        from importlib import import_module

        value = globals()[name] = getattr(import_module(_DEFINED_IN[name]), name)
        return value


__all__ = [
    "OptionError",
    "Sink",
    "__version__",
    "audit",
    "audit_relays",
    "check",
    "check_domains",
    "explain",
    "sweep",
    "wait_for_mail",
]

_ENGINE = "ansible_collections.postmaster.mailcheck.plugins.module_utils."
_DEFINED_IN = {
    "OptionError": _ENGINE + "_errors",
    "Sink": "postmaster_mailcheck.sink.server",
    "__version__": _ENGINE + "_version",
    "audit": _ENGINE + "_audit.check",
    "audit_relays": _ENGINE + "_audit.check",
    "check": _ENGINE + "_smtp.check",
    "check_domains": _ENGINE + "_domain.check",
    "explain": "postmaster_mailcheck.explanations",
    "sweep": _ENGINE + "_smtp.sweep",
    "wait_for_mail": _ENGINE + "_mailbox.wait",
}


def __dir__() -> List[str]:
    return sorted({*globals(), *__all__})
