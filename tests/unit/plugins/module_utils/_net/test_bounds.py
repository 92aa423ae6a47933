# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.bounds import MAX_ITEMS, Bounds
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import MAX_TEXT, Secrets


def test_lists_are_cut_and_that_is_told_once():
    bounds = Bounds(Secrets(("tanstaafl",)))
    for _shown in range(2):
        facts = bounds.plain("certificate", {"subject_alt_names": ["DNS:x"] * 1000, "subject": "CN=tanstaafl"})
        assert facts == {"subject_alt_names": ["DNS:x"] * MAX_ITEMS, "subject": "CN=<redacted>"}
    assert bounds.left_out == ["certificate.subject_alt_names: 744 more were left out."]


def test_texts_are_cut_after_the_secrets_are_out():
    (shown,) = Bounds(Secrets(("tanstaafl",))).plain("texts", ["x" * (MAX_TEXT - 4) + "tanstaafl" + "y" * 100])
    assert "tans" not in shown and shown.startswith("x" * (MAX_TEXT - 4) + "<red")
    assert Bounds(Secrets()).plain("number", {"bits": 2048, "none": None}) == {"bits": 2048, "none": None}


@pytest.mark.parametrize(("count", "left_out"), [(3, []), (4, []), (5, ["x: 1 more were left out."])])
def test_what_fits_exactly_is_shown_whole(count, left_out):
    bounds = Bounds(Secrets())
    assert bounds.first("x", range(count), 4) == list(range(min(count, 4)))
    assert bounds.left_out == left_out
