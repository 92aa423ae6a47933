# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Macros as RFC 7208 7.4 expands them, and names as 7.3 cuts them.

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._domain.spf.macros import (
    expand,
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
