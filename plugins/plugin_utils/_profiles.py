# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Profiles: named sets of expectations, as YAML, each rule with the document it comes from.
#
# A profile is about relays or about domains. Several of one kind, and a caller's own `expect` last, merge into the one
# `expect` that the modules take. What a rule may expect is the engine's business alone: every rule goes through its
# parse_expect().

from __future__ import annotations

import functools
import hashlib
import os
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Optional

from ansible_collections.postmaster.mailcheck.plugins.module_utils._audit.rules import RULES as OF_AUDITS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.rules import RULES as OF_DOMAINS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError, did_you_mean
from ansible_collections.postmaster.mailcheck.plugins.module_utils._files import opener
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES as OF_RELAYS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import parse_expect
from ansible_collections.postmaster.mailcheck.plugins.module_utils._version import __version__
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import SEVERITIES, TellableError

if TYPE_CHECKING:
    from typing import Collection, Iterable, Iterator, List, Mapping, Sequence, Tuple

    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AppliedProfile

FOLDER = os.path.join(os.path.dirname(__file__), "data", "profiles")
_MAX_OCTETS = 1048576  # of a profile
PROFILES = "profiles"  # the label that names an endpoint's own
# Where a rule comes from, and how grave its breach is here.
_ABOUT = ("document", "section", "reason", "severity")
# What a profile may be about: the rules that the engine has for it. A profile that does not say is about relays.
RELAY, DOMAIN, AUDIT = "relay", "domain", "audit"
KINDS = {RELAY: OF_RELAYS, DOMAIN: OF_DOMAINS, AUDIT: OF_AUDITS}


class ProfileError(TellableError):
    """What is wrong in a profile, and where. What was given in place of a profile is not shown."""


class Profile(NamedTuple):
    """One file: `rules` are its own entries, checked as far as they can be before the merge."""

    kind: str  # of KINDS
    rules: Dict[str, Dict[str, Any]]
    title: Optional[str]
    description: Optional[str]
    version: Optional[str]
    sha256: str


def known_profiles() -> Dict[str, str]:
    """Return the profiles that ship with the collection: name -> kind, of KINDS."""
    return {name: _read(name).kind for name in shipped_profiles()}


def shipped_profiles() -> List[str]:
    """Return their names alone, for which no file has to be read."""
    return sorted(name[: -len(".yml")] for name in os.listdir(FOLDER) if name.endswith(".yml"))


def load_profiles(
    names: Sequence[str], expect: Optional[Mapping[str, Any]] = None, kind: Optional[str] = None
) -> Dict[str, Any]:
    """Return the profiles of these names (or paths of YAML files) as one, with `expect` merged over them.

    `kind`: what they have to be about, of KINDS; None: what the first of them is, and relays where there is none.
    Returns `kind`; `profiles`: their names; `expect`: what the modules take; `rules`: rule -> `profile`, `document`,
    `section`, `reason`, `severity`, as far as they are given; `applied`: what applied() returns. Raises ProfileError.
    """
    loaded = list(_profiles(names))
    kind = kind or (loaded[0][1].kind if loaded else RELAY)
    if kind not in KINDS:
        raise ProfileError("kind: must be one of %s" % ", ".join(KINDS))
    merged: Dict[str, Any] = {}
    for index, (name, profile) in enumerate(loaded):
        if profile.kind != kind:
            told = "profiles[%d]: '%s' is about %ss, and what is judged are %ss" % (index, name, profile.kind, kind)
            raise ProfileError(told)
        for rule, entry in profile.rules.items():
            _merge(merged, rule, entry["expect"])
    for rule, value in (expect or {}).items():
        _merge(merged, rule, value)
    try:
        wanted: Dict[str, Any] = parse_expect(KINDS[kind], merged)
    except OptionError as error:
        raise ProfileError(str(error)) from None
    about = {rule: where for rule, where in rules_of(names).items() if rule in wanted}
    if kind != RELAY:  # domains and audits are held to other rules besides: what is taken away has to be said
        wanted.update({rule: None for rule, value in merged.items() if value is None})
    return {"kind": kind, "profiles": list(names), "expect": wanted, "rules": about, "applied": applied(names)}


def applied(names: Sequence[str]) -> List[AppliedProfile]:
    """Return which profiles these are, to the octet. Raises ProfileError."""
    return [
        {
            "name": name, "kind": one.kind, "title": one.title, "description": one.description, "version": one.version,
            "sha256": one.sha256,
        }
        for name, one in _profiles(names)
    ]  # fmt: skip


def rules_of(names: Sequence[str]) -> Dict[str, Dict[str, str]]:
    """Return rule -> where it comes from, of the profiles of these names."""
    about: Dict[str, Dict[str, str]] = {}
    for name, profile in _profiles(names):
        for rule, entry in profile.rules.items():
            known = {key: str(entry[key]) for key in _ABOUT if entry.get(key) is not None}
            about[rule] = {"profile": name, **known}
    return about


def rules_of_label(label: Any, known: Collection[str], kind: str) -> Optional[Dict[str, Dict[str, str]]]:
    """Return the same for what with_profiles() has written into a label; None where it is somebody else's label.

    A label comes back from another host: what is none of the `known` profiles is opened by no name. `kind` is what it
    labels, of KINDS.
    """
    names = names_of_label(label, known, kind)
    return rules_of(names) if names else None


def names_of_label(label: Any, known: Collection[str], kind: str) -> List[str]:
    """Return the profiles that such a label names; none where it is somebody else's."""
    names = label.split(", ") if isinstance(label, str) else []
    if not all(name in known for name in names):
        return []
    return names if all(profile.kind == kind for _name, profile in _profiles(names)) else []


def with_profiles(endpoints: Iterable[Any], expect: Optional[Mapping[str, Any]] = None) -> List[Any]:
    """Return endpoints of smtp_sweep, or domains of domain_check, whose `profiles`, where they have some, have become
    their `expect`.

    An endpoint's own `expect` counts most. Which profiles it were stays with it as a label, and so comes back with the
    result. Raises ProfileError.
    """
    rows: List[Any] = []
    for endpoint in endpoints:
        if not isinstance(endpoint, dict):  # a domain may be its name alone; what else there is, the module refuses
            rows.append(endpoint)
            continue
        row = dict(endpoint)
        names = row.pop("profiles", None)
        row.pop("audit", None)  # what audit_endpoints() is for
        if names:
            kind = DOMAIN if "domain" in row else RELAY
            own = load_profiles(names, {**(expect or {}), **(row.get("expect") or {})}, kind)
            row["expect"] = own["expect"]
            row["labels"] = {**(row.get("labels") or {}), PROFILES: ", ".join(names)}
        rows.append(row)
    return rows


def _merge(expect: Dict[str, Any], rule: str, value: Any) -> None:
    """What comes later counts; dictionaries merge key by key; null takes the rule away."""
    if isinstance(value, dict) and isinstance(expect.get(rule), dict):
        expect[rule] = {**expect[rule], **value}
    else:
        expect[rule] = value


def names_of(names: Sequence[Any]) -> List[str]:
    """Return the names, or paths, of profiles as they were given. Raises ProfileError for what is no list of texts."""
    if isinstance(names, (str, dict)):
        raise ProfileError("profiles: must be a list of names, not of type %s" % type_of(names))
    for index, name in enumerate(names):
        if not isinstance(name, str):
            raise ProfileError("profiles[%d]: must be a name or a path, not of type %s" % (index, type_of(name)))
    return list(names)


def _profiles(names: Sequence[str]) -> Iterator[Tuple[str, Profile]]:
    """Yield each profile with its name."""
    for index, name in enumerate(names_of(names)):
        try:
            yield name, _read(name)
        except OSError as error:
            raise ProfileError("profiles[%d]: %s" % (index, _missing(name, error))) from None


def type_of(value: Any) -> str:
    """The type that a playbook's author knows: Ansible has types of its own for each."""
    return next((kind.__name__ for kind in (dict, list, str) if isinstance(value, kind)), type(value).__name__)


def _path(name: str) -> str:
    return name if os.sep in name or name.endswith((".yml", ".yaml")) else os.path.join(FOLDER, name + ".yml")


@functools.lru_cache(maxsize=None)
def _read(name: str) -> Profile:
    """Return one profile. Raises OSError, too, and ImportError without PyYAML."""
    from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._yaml import YamlError, read_yaml

    try:
        with open(_path(name), "rb", opener=opener(_MAX_OCTETS)) as file:
            octets = file.read()
        content = read_yaml(octets)
    except YamlError as error:
        raise ProfileError("profile '%s' %s" % (name, error)) from None
    rules = content.get("rules") if isinstance(content, dict) else None
    if not isinstance(rules, dict) or not rules:
        raise ProfileError("profile '%s' has no rules: it must be a dictionary with title, description, rules" % name)
    kind = content.get("kind", RELAY)
    if kind not in tuple(KINDS):
        raise ProfileError("profile '%s': kind: must be one of %s" % (name, ", ".join(KINDS)))
    for rule, entry in rules.items():
        _check("profile '%s': rules.%s" % (name, rule), kind, rule, entry)
    version = content.get("version", __version__ if _path(name) != name else None)
    texts = (content.get("title"), content.get("description"), version)
    title, description, version = (None if said is None else str(said) for said in texts)
    return Profile(kind, rules, title, description, version, hashlib.sha256(octets).hexdigest())


def _missing(name: str, error: OSError) -> str:
    if _path(name) == name:
        return str(error.strerror)
    hint = did_you_mean(name, known_profiles()) or " Known: %s." % "; ".join(map(_listed, KINDS))
    return "there is no such profile.%s A file of your own is given by its path." % hint


def _listed(kind: str) -> str:
    """Say which profiles are about what."""
    return "of %ss %s" % (kind, ", ".join(name for name, own in known_profiles().items() if own == kind))


def _check(where: str, kind: str, rule: str, entry: Any) -> None:
    if not isinstance(entry, dict) or "expect" not in entry:
        raise ProfileError("%s: must be a dictionary with expect, and with where it comes from (document, …)" % where)
    for key in entry:
        if key not in ("expect", *_ABOUT):
            raise ProfileError("%s.%s: is not known. Known: expect, %s." % (where, key, ", ".join(_ABOUT)))
    if entry.get("severity", "high") not in SEVERITIES:
        raise ProfileError("%s.severity: must be one of %s." % (where, ", ".join(SEVERITIES)))
    others = [other for other, table in KINDS.items() if rule in table]
    if others and kind not in others:
        raise ProfileError("%s: is a rule about %ss, and this profile is about %ss (kind)" % (where, others[0], kind))
    try:
        # A dictionary may be completed by another profile or by `expect`: only its rule's name is checked here.
        value = None if isinstance(entry["expect"], dict) and others else entry["expect"]
        parse_expect(KINDS[kind], {rule: value})
    except OptionError as error:
        raise ProfileError("%s: %s" % (where, str(error).partition(": ")[2])) from None
