# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# The rules of `expect` as suboptions: what Ansible makes of them, and what it leaves to the engine.

from __future__ import annotations

from typing import Any, Callable, Dict, List, Mapping, Tuple
from unittest import mock

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.options import EXPECT_OPTIONS as OF_DOMAINS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.rules import RULES as DOMAIN_RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.request import EXPECT_OPTIONS as OF_MAIL
from ansible_collections.postmaster.mailcheck.plugins.module_utils._mailbox.rules import RULES as MAIL_RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.options import EXPECT_OPTIONS as OF_RELAYS
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.rules import RULES as RELAY_RULES
from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.rules import (
    RuleKind,
    flag,
    number,
    parse_expect,
    pattern,
    words,
)
from ansible_collections.postmaster.mailcheck.plugins.modules import domain_check, smtp_check, wait_for_mail

Run = Callable[..., Tuple[int, Dict[str, Any]]]
TYPES = {flag: "bool", number: "float", pattern: "str", words: "list"}
# Module -> its engine, the options it needs, its rules, and how they are told to Ansible.
MODULES: Dict[Any, Tuple[str, Dict[str, Any], Mapping[str, RuleKind]]] = {
    smtp_check: ("check", {"host": "relay.example.com"}, RELAY_RULES),
    domain_check: ("check_domains", {"domains": ["example.com"]}, DOMAIN_RULES),
    wait_for_mail: ("wait_for_mail", {"host": "imap.example.com"}, MAIL_RULES),
}


@pytest.mark.parametrize(
    ("rules", "options"), [(RELAY_RULES, OF_RELAYS), (DOMAIN_RULES, OF_DOMAINS), (MAIL_RULES, OF_MAIL)]
)
def test_each_rule_is_a_suboption_of_the_type_that_its_form_takes(
    rules: Mapping[str, RuleKind], options: Mapping[str, Dict[str, Any]]
) -> None:
    assert list(options) == list(rules)
    for name, kind in rules.items():
        assert options[name]["type"] == TYPES.get(kind.form, options[name]["type"]), name
        for choice in options[name].get("choices", ()):
            given = [choice] if options[name]["type"] == "list" else choice
            assert parse_expect(rules, {name: given}) == {name: given}


def seen(run_module: Run, module: Any, expect: Any) -> Any:
    """What the engine is given as `expect`, or what the module says."""
    engine, options, rules = MODULES[module]
    given: List[Any] = []

    def work(**params: Any) -> Dict[str, Any]:
        given.append(params["expect"])
        parse_expect(rules, params["expect"])
        raise OptionError("host", "nothing is to be checked.")

    with mock.patch.object(module, engine, work):
        _code, result = run_module(module.main, **options, expect=expect)
    return given[0] if "nothing is to be checked" in result["msg"] else result["msg"]


@pytest.mark.parametrize(("module", "name"), [
    (smtp_check, "tls_required"), (domain_check, "dmarc_present"), (wait_for_mail, "spam"),
])  # fmt: skip
def test_a_rule_that_is_null_is_told_from_one_that_nobody_named(run_module: Run, module: Any, name: str) -> None:
    assert seen(run_module, module, {name: None}) == {name: None}
    assert seen(run_module, module, {}) == {}


@pytest.mark.parametrize(("module", "given", "told"), [
    (smtp_check, "tls_verison_min", "expect.tls_verison_min: there is no such rule. Did you mean tls_version_min?"),
    (smtp_check, "tls_min_version", "expect.tls_min_version: there is no such rule. Did you mean tls_version_min?"),
    (domain_check, "dmarc_polcy", "expect.dmarc_polcy: there is no such rule. Did you mean dmarc_policy?"),
    (wait_for_mail, "bounced", "expect.bounced: there is no such rule. Did you mean bounce?"),
])  # fmt: skip
def test_of_a_rule_that_nobody_knows_it_is_said_what_was_meant(
    run_module: Run, module: Any, given: str, told: str
) -> None:
    assert seen(run_module, module, {given: True}) == told


@pytest.mark.parametrize(("given", "known"), [
    ({"codes": {"rcpt": 550}}, {"codes": {"rcpt": 550}}),
    ({"codes": {"rcpt": ["550", 554]}}, {"codes": {"rcpt": ["550", 554]}}),
    ({"capabilities": "PIPELINING"}, {"capabilities": ["PIPELINING"]}),
    ({"certificate_days_left": "30"}, {"certificate_days_left": 30}),
    ({"public_key_min_bits": {"RSA": 2048}}, {"public_key_min_bits": {"RSA": 2048}}),
    ({"tls_required": "yes"}, {"tls_required": True}),
    ({"relaying_refused": {"recipient": "a@b.example", "control_recipient": "c@d.example"}},
     {"relaying_refused": {"recipient": "a@b.example", "control_recipient": "c@d.example"}}),
    ('{"tls_required": true}', {"tls_required": True}),
])  # fmt: skip
def test_values_as_templates_leave_them_become_what_the_rule_takes(run_module: Run, given: Any, known: Any) -> None:
    assert seen(run_module, smtp_check, given) == known


@pytest.mark.parametrize(("given", "told"), [
    ({"codes": {"rctp": 550}}, "expect.codes.rctp: is no stage."),
    ({"relaying_refused": {"recipient": "a@b.example"}}, "expect.relaying_refused: needs recipient"),
    ({"greeting_matches": ["^relay"]}, "expect.greeting_matches: is no regular expression"),
    ({"tls_version_min": "TLSv9"}, "value of tls_version_min must be one of"),
    ({"certificate_days_left": "soon"}, "certificate_days_left"),
    ("tls_required", "dict"),
])  # fmt: skip
def test_a_value_that_will_not_do_is_named(run_module: Run, given: Any, told: str) -> None:
    assert told in seen(run_module, smtp_check, given)


def test_a_number_stays_what_it_was_in_words() -> None:
    assert [number("x", given) for given in (30.0, 30, 0.5)] == [30, 30, 0.5]
    assert "%s" % number("x", 30.0) == "30"
