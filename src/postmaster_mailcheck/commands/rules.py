# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: `mailcheck help rules`: what may be expected of relays, domains and messages, from the tables of the engine.

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import flag
from postmaster_mailcheck.commands.words import flag_of
from postmaster_mailcheck.views.lines import Line, text

if TYPE_CHECKING:
    from typing import Dict, Iterator, Mapping

    from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import RuleKind

_COLUMN = 40
EXAMPLES = (
    "certificate_days_left=30",
    "auth_absent_before_tls=true",
    "codes.rcpt=550",
    'capabilities=["DSN", "SIZE"]',
    "relaying_refused.recipient=x@example.net",
    "relaying_refused.control_recipient=postmaster@example.com",
)


def tables() -> Dict[str, Mapping[str, RuleKind]]:
    """The commands -> the rules that their --expect takes."""
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain import rules as of_domains
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox import rules as of_messages
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp import rules as of_relays

    return {"check and sweep": of_relays.RULES, "domain": of_domains.RULES, "wait": of_messages.RULES}


def asked_by(commands: str, name: str, kind: RuleKind) -> str:
    """Return a line that asks for a rule: of `commands`, which is a key of tables() or `audit`."""
    if commands == "audit":
        return _probed(name)
    command = commands.partition(" ")[0]
    examples = [one for one in EXAMPLES if re.split("[.=]", one)[0] == name and '"' not in one]
    wanted = examples or ["%s=%s" % (name, "true" if kind.form is flag else "VALUE")]  # of those by stage there is one
    about = {"domain": "DOMAIN", "wait": "HOST --username USERNAME --token TOKEN"}.get(command, "HOST")
    return " ".join(["mailcheck", command, about, *("--expect " + one for one in wanted)])


def _probed(name: str) -> str:
    from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.register import PROBES

    probe = PROBES[name]
    allowed = [] if probe.intensity == "safe" else ["--intensity %s --authorised HOST" % probe.intensity]
    needed = ["%s ADDRESS" % flag_of(option) for option in probe.needs]
    return " ".join(["mailcheck audit HOST --probes", name, *allowed, *needed])


def rule_lines() -> Iterator[Line]:
    yield text("What --expect RULE=VALUE takes, as often as there are rules; a VALUE is JSON, or a text:")
    for commands, table in tables().items():
        yield Line()
        yield text("mailcheck %s" % commands, "bold")
        for name, kind in table.items():
            value = "true" if kind.form is flag else "VALUE"
            said = "  %s%s=%s " % (name, ".STAGE" if kind.by_stage else "", value)
            what = kind.text.replace("%s", "VALUE")
            yield Line(((said.ljust(_COLUMN), "bold"), ("%s (%s)" % (what, kind.severity), "")), _COLUMN)
    yield Line()
    yield text("for example:")
    for example in EXAMPLES:
        yield text("  --expect %s" % ("'%s'" % example if '"' in example else example))
