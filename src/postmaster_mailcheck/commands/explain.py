# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: `mailcheck explain`, by explanations.py.

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import did_you_mean
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.facts import STAGES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.causes import CAUSES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.codes import CODES
from postmaster_mailcheck import explanations
from postmaster_mailcheck.commands import output
from postmaster_mailcheck.commands.endings import Mistake
from postmaster_mailcheck.commands.parser import Manual
from postmaster_mailcheck.views import meanings

if TYPE_CHECKING:
    import argparse
    from typing import Any, Dict, List, Optional, Sequence

    from postmaster_mailcheck.commands.parser import Parser


MANUAL = Manual(
    "Say what a reply, a line of a log or a bounce, a code, a cause or a rule means, and what to do next. Put quotes "
    "around a text with < > ( ) ; or & in it.",
    "[WORD ...]",
    """
mailcheck explain 554 5.7.1
mailcheck explain "550 5.7.25 The sending IP address has no PTR record"
mailcheck explain relay_denied
mailcheck explain open relay
mailcheck explain --list
""",
)


def add_arguments(parser: Parser) -> None:
    parser.manual = MANUAL
    words: Any = parser.add_argument(
        "words", metavar="WORD", nargs="*", help="a reply, or a line of a log or a bounce that holds one (- reads it "
        "from standard input); 554, or 554 5.7.1, or 5.7.1; a cause (relay_denied), a rule (relaying_refused), a "
        "profile",
    )  # fmt: skip
    parser.add_argument("--list", action="store_true", help="explain all causes that there are")
    note = "where the reply was said: " + ", ".join(STAGES)
    parser.add_argument("--stage", choices=STAGES, metavar="STAGE", help=note)
    words.completer = lambda **_given: [*CAUSES, *map(str, CODES)]


def run(given: argparse.Namespace) -> int:
    if given.list:
        return output.tell(list(map(explanations.explain_cause, CAUSES)), meanings.explanation, given, 0)
    if not given.words:
        told = "there is nothing to explain. Give a reply in quotes, codes or a cause, such as %s, or say --list"
        raise Mistake(told % "mailcheck explain 554 5.7.1")
    return output.tell(explained(given.words, given.stage), meanings.explanation, given, 0)


def explained(words: Sequence[str], stage: Optional[str]) -> List[Dict[str, Any]]:
    """What each cause means, or what is called so, or the one reply that all words are. Raises Mistake."""
    text = " ".join(words)
    name = explanations.named(text)
    if name:  # some are called as a cause and a rule are
        rules = [explanations.explain_rule(name)] if name in explanations.rules() else []
        return [*map(explanations.explain_cause, rules[0]["causes"] if rules else [name]), *rules]
    profile = explanations.profile_named(text)
    if profile:
        with output.needing_extras("the profile"):
            return [explanations.explain_profile(profile)]
    known = [word in CAUSES for word in words]
    if all(known):
        return [explanations.explain_cause(word) for word in words]
    if any(known) or (len(words) == 1 and _is_a_name(words[0])):
        number = known.index(False)
        near = did_you_mean(words[number], [*CAUSES, *explanations.rules(), *explanations.profiles()])
        raise Mistake("word %d is neither a reply, a code, a cause, a rule nor a profile.%s" % (number + 1, near))
    return [explanations.explain(sys.stdin.read() if list(words) == ["-"] else text, stage)]


def _is_a_name(word: str) -> bool:
    """Whether a word can only be a name, and was misspelt."""
    return bool(re.fullmatch(r"[\w-]{2,}", word)) and not word.isdigit() and not explanations.tells(word)
