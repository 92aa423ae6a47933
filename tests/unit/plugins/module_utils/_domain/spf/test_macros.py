# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Macros as RFC 7208 7.4 expands them, and names as 7.3 cuts them.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.macros import (
    expand,
    fault_of_domain_spec,
    fault_of_macro_string,
    fault_of_name,
    target_of,
)

VALUES = {"s": "strong-bad@email.example.com", "l": "strong-bad", "o": "email.example.com", "d": "email.example.com",
          "i": "192.0.2.3", "v": "in-addr", "p": "mx.example.org"}  # fmt: skip

EXAMPLES = [
    ("%{s}", "strong-bad@email.example.com"),
    ("%{o}", "email.example.com"),
    ("%{d4}", "email.example.com"),
    ("%{d3}", "email.example.com"),
    ("%{d2}", "example.com"),
    ("%{d1}", "com"),
    ("%{dr}", "com.example.email"),
    ("%{d2r}", "example.email"),
    ("%{l-}", "strong.bad"),
    ("%{lr}", "strong-bad"),
    ("%{lr-}", "bad.strong"),
    ("%{l1r-}", "strong"),
    ("%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com"),
    ("%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com"),
    ("%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com"),
    ("%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net"),
    ("%{S}%%%_%-", "strong-bad%40email.example.com% %20"),
    ("%{d002}", "example.com"),
]


@pytest.mark.parametrize(("text", "expanded"), EXAMPLES)
def test_expansion(text, expanded):
    assert expand(text, VALUES) == expanded


NAME_OF_253 = ".".join(["a" * 61] * 4) + ".abcde"


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (NAME_OF_253, NAME_OF_253),
        ("b." + NAME_OF_253, NAME_OF_253),
        ("b" + NAME_OF_253, NAME_OF_253.partition(".")[2]),
        ("c.b" + NAME_OF_253, NAME_OF_253.partition(".")[2]),
        (NAME_OF_253 + ".", NAME_OF_253),
    ],
)
def test_a_name_beyond_253_characters_loses_labels_on_the_left(name, target):
    assert target_of(name) == target


@pytest.mark.parametrize(
    ("name", "good"),
    [
        (NAME_OF_253, True),
        ("b." + NAME_OF_253, False),
        ("a" * 63 + ".example", True),
        ("a" * 64 + ".example", False),
        ("example.com", True),
        ("example", False),
        ("", False),
        ("[192.0.2.1]", False),
        ("ex\xe4mple.com", False),
    ],
)
def test_what_can_be_asked_for(name, good):
    """RFC 7208 4.3, RFC 1035 2.3.4."""
    assert (fault_of_name(name) == "") == good


NO_MACRO, NO_LABELS = "a % begins no macro", "a macro keeps no labels at all"
NOT_VISIBLE = "it holds a character that is none of visible ASCII"


@pytest.mark.parametrize(
    ("text", "fault", "in_explanation"),
    [
        ("", "", ""),
        ("!~", "", ""),  # 0x21 and 0x7E, the first and the last of what is visible
        ("a b", NOT_VISIBLE, ""),
        ("a\x7f", NOT_VISIBLE, NOT_VISIBLE),
        ("a\x1f", NOT_VISIBLE, NOT_VISIBLE),
        ("%{s}%{l}%{o}%{d}%{i}%{p}%{v}%{h}", "", ""),
        ("%{S}%{L}%{O}%{D}%{I}%{P}%{V}%{H}", "", ""),
        ("%{c}", "there is no macro %{c} here", ""),
        ("%{R}", "there is no macro %{R} here", ""),
        ("%{t}", "there is no macro %{t} here", ""),
        ("x%{a}", "there is no macro %{a} here", "there is no macro %{a} here"),
        ("%%%_%-", "", ""),
        ("%", NO_MACRO, NO_MACRO),
        ("a%", NO_MACRO, NO_MACRO),
        ("%{d", NO_MACRO, NO_MACRO),
        ("%d", NO_MACRO, NO_MACRO),
        ("%{dr1}", NO_MACRO, NO_MACRO),
        ("%{d.-+,/_=}", "", ""),
        ("%{d:}", NO_MACRO, NO_MACRO),
        ("%{d0}", NO_LABELS, NO_LABELS),
        ("%{d000}", NO_LABELS, NO_LABELS),
        ("%{d01R}", "", ""),
        ("%{d10}", "", ""),
    ],
)
def test_what_is_wrong_with_a_macro_string(text, fault, in_explanation):
    """RFC 7208 7.1, 7.2."""
    assert (fault_of_macro_string(text), fault_of_macro_string(text, explanation=True)) == (fault, in_explanation)


TWO_LABELS, LAST_LABEL = "a domain name has two labels at least", "its last label is none of a domain name"


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "the domain name is missing"),
        ("example.com", ""),
        ("example.com.", ""),
        ("a.1a", ""),
        ("a.a-b", ""),
        ("a.b", ""),
        ("com", TWO_LABELS),
        ("com.", TWO_LABELS),
        (".", TWO_LABELS),
        ("a..", LAST_LABEL),
        ("example.12", LAST_LABEL),
        ("example.-a", LAST_LABEL),
        ("example.a-", LAST_LABEL),
        ("example.a_b", LAST_LABEL),
        ("%{d}", ""),
        ("%{d}.", TWO_LABELS),
        ("%{d}.com", ""),
        ("%{d}.com.", ""),
        ("com%_", ""),
        ("com%{d}", ""),
        ("%{d}%{i", NO_MACRO),
    ],
)
def test_what_is_wrong_with_a_domain_spec(text, fault):
    """RFC 7208 7.1: it ends in a macro, or in a top label behind a dot, which is not all digits."""
    assert fault_of_domain_spec(text) == fault
