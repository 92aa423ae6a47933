# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What several formats say alike.

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import CHECK, kinds, plural

if TYPE_CHECKING:
    from typing import Any, List, Mapping, Sequence

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import Row


# Outcomes as people are told them; data has `unknown`.
IN_WORDS = {"met": "met", "unmet": "unmet", "unknown": "not judged", "waived": "waived"}


def in_word(value: Any) -> Any:
    """A value as people are told it, if it is an outcome."""
    return IN_WORDS.get(value, value) if isinstance(value, str) else value


def encodable(text: str) -> str:
    """Half a surrogate pair, which no file can hold, as an escape: names and waivers are the caller's own text."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def counted(number: int, word: str) -> str:
    return "%d %s" % (number, word if number == 1 else plural(word))


def told(rows: Sequence[Row]) -> str:
    """Say how many of which kind there are."""
    return ", ".join(counted(number, kind) for kind, number in kinds(rows).items())


def one_of(rows: Sequence[Row]) -> str:
    """Say what a single row may be about."""
    return " or ".join(kinds(rows))


def source(rule: Mapping[str, Any]) -> str:
    return " ".join(str(rule[part]) for part in ("document", "section") if rule.get(part))


def waived_by(waiver: Mapping[str, Any]) -> str:
    return "until %(expires)s by %(owner)s: %(reason)s" % waiver


def why(row: Row) -> str:
    """The cause of a failed check, then the rules that are not met, by name, what is amiss, and those not applied."""
    failed = row["cause"] not in (None, "rule_unmet")
    words: List[str] = [str(row["cause"])] if failed else []
    for outcome in ("unmet", "unknown", "waived"):
        named = [rule["id"] for rule in row["rules"] if rule["outcome"] == outcome and rule["id"] != CHECK]
        if named and not (outcome == "unknown" and failed):
            words.append(("" if outcome == "unmet" else IN_WORDS[outcome] + ": ") + ", ".join(named))
    if row.get("remarks"):
        words.append("warnings: " + ", ".join(dict.fromkeys(remark["id"] for remark in row["remarks"])))
    if row.get("not_applied"):
        words.append("not applied: " + ", ".join(row["not_applied"]))
    return "; ".join(words)
