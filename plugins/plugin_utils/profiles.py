# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to the collection. Profiles: named sets of expectations, as YAML, each rule with the document it comes from.
#
# Several profiles, and a caller's own `expect` last, merge into the one `expect` that the modules take. What a rule may
# expect is the engine's business alone: every rule goes through its parse_expect().

from __future__ import annotations

import difflib
import functools
import os
from typing import TYPE_CHECKING

import yaml

from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.expectations import RULES, parse_expect
from ansible_collections.postmaster.mailcheck.plugins.module_utils.smtp.model import OptionError

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Mapping, Optional

FOLDER = os.path.join(os.path.dirname(__file__), "data", "profiles")
PROFILES = "profiles"  # the label that names an endpoint's own
SEVERITIES = ("low", "medium", "high")
# Where a rule comes from, and how grave its breach is here.
_ABOUT = ("document", "section", "reason", "severity")


class ProfileError(Exception):
    """What is wrong in a profile, and where."""


def known_profiles() -> List[str]:
    """Return the names of the profiles that ship with the collection."""
    return sorted(name[: -len(".yml")] for name in os.listdir(FOLDER) if name.endswith(".yml"))


def load_profiles(names: Iterable[str], expect: Optional[Mapping[str, Any]] = None) -> Dict[str, Any]:
    """Return the profiles of these names (or paths of YAML files) as one, with `expect` merged over them.

    `profiles`: their names; `expect`: what the modules take; `rules`: rule -> `profile`, `document`, `section`,
    `reason`, `severity`, as far as they are given. Raises ProfileError.
    """
    names = list(names)
    merged: Dict[str, Any] = {"profiles": names, "expect": {}, "rules": rules_of(names)}
    for name in names:
        for rule, entry in _read(name).items():
            _merge(merged["expect"], rule, entry["expect"])
    for rule, value in (expect or {}).items():
        _merge(merged["expect"], rule, value)
    merged["rules"] = {rule: about for rule, about in merged["rules"].items() if rule in merged["expect"]}
    try:
        merged["expect"] = parse_expect(merged["expect"])
    except OptionError as error:
        raise ProfileError(str(error)) from None
    return merged


def rules_of(names: Iterable[str]) -> Dict[str, Dict[str, str]]:
    """Return rule -> where it comes from, of the profiles of these names."""
    about: Dict[str, Dict[str, str]] = {}
    for name in names:
        for rule, entry in _read(name).items():
            known = {key: str(entry[key]) for key in _ABOUT if entry.get(key) is not None}
            about[rule] = {"profile": name, **known}
    return about


def with_profiles(
    endpoints: Iterable[Mapping[str, Any]], expect: Optional[Mapping[str, Any]] = None
) -> List[Dict[str, Any]]:
    """Return endpoints of smtp_sweep whose `profiles`, where they have some, have become their `expect`.

    An endpoint's own `expect` counts most. Which profiles it were stays with it as a label, and so comes back with the
    result. Raises ProfileError.
    """
    rows = []
    for endpoint in endpoints:
        row = dict(endpoint)
        names = row.pop("profiles", None)
        if names:
            own = load_profiles(names, {**(expect or {}), **(row.get("expect") or {})})
            row["expect"] = own["expect"]
            row["labels"] = {**(row.get("labels") or {}), PROFILES: ", ".join(names)}
        rows.append(row)
    return rows


def _merge(expect: Dict[str, Any], rule: str, value: Any) -> None:
    """What comes later counts; dictionaries merge key by key; null takes the rule away."""
    if value is None:
        expect.pop(rule, None)
    elif isinstance(value, dict) and isinstance(expect.get(rule), dict):
        expect[rule] = {**expect[rule], **value}
    else:
        expect[rule] = value


@functools.lru_cache(maxsize=None)
def _read(name: str) -> Dict[str, Dict[str, Any]]:
    """Return the rules of one profile, checked as far as they can be before the merge."""
    path = name if os.sep in name or name.endswith((".yml", ".yaml")) else os.path.join(FOLDER, name + ".yml")
    try:
        with open(path, encoding="utf-8") as file:
            content = yaml.safe_load(file)
    except OSError as error:
        raise ProfileError("profile '%s': %s" % (name, _missing(name, path, error))) from None
    except Exception as error:  # noqa: BLE001  # YAMLError, and whatever else PyYAML fails with: `!!int x`, 2026-99-99
        raise ProfileError("profile '%s' is no YAML: %s" % (name, error)) from None
    rules = content.get("rules") if isinstance(content, dict) else None
    if not isinstance(rules, dict) or not rules:
        raise ProfileError("profile '%s' has no rules: it must be a dictionary with title, description, rules" % name)
    for rule, entry in rules.items():
        _check(name, rule, entry)
    return rules


def _missing(name: str, path: str, error: OSError) -> str:
    if not path.startswith(FOLDER):
        return "%s: %s" % (path, error.strerror)
    near = difflib.get_close_matches(name, known_profiles(), 1)
    hint = "Did you mean %s?" % near[0] if near else "Known: %s." % ", ".join(known_profiles())
    return "there is no such profile. %s A file of your own is given by its path." % hint


def _check(name: str, rule: str, entry: Any) -> None:
    where = "profile '%s': rules.%s" % (name, rule)
    if not isinstance(entry, dict) or "expect" not in entry:
        raise ProfileError("%s: must be a dictionary with expect, and with where it comes from (document, …)" % where)
    for key in entry:
        if key not in ("expect", *_ABOUT):
            raise ProfileError("%s.%s: is not known. Known: expect, %s." % (where, key, ", ".join(_ABOUT)))
    if entry.get("severity", "high") not in SEVERITIES:
        raise ProfileError("%s.severity: must be one of %s." % (where, ", ".join(SEVERITIES)))
    try:
        # A dictionary may be completed by another profile or by `expect`: only its rule's name is checked here.
        parse_expect({rule: None if isinstance(entry["expect"], dict) and rule in RULES else entry["expect"]})
    except OptionError as error:
        raise ProfileError("%s: %s" % (where, str(error).partition(": ")[2])) from None
