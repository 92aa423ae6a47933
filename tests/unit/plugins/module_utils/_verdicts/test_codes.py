# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Reply codes and enhanced status codes in plain words.

from __future__ import annotations

import re

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._verdicts.codes import (
    CODES,
    ENHANCED_CODES,
    explain_code,
    explain_enhanced_code,
)


def test_codes_in_words():
    assert explain_code(554, "5.7.1") == (
        "554: transaction failed, or refused by policy (refused for good); 5.7.1: delivery not authorised"
    )
    assert explain_code(250) == "250: done (success)"
    assert "not a registered code" in explain_code(599)
    assert "not a class of SMTP" in explain_code(199)
    assert "not a registered enhanced code" in explain_code(550, "5.9.9")


def test_an_enhanced_code_alone():
    assert explain_enhanced_code("4.2.2") == "4.2.2: mailbox full (refused for now)"
    assert explain_enhanced_code("2.1.5") == "2.1.5: address valid (success)"
    assert explain_enhanced_code("5.9.9") == "5.9.9: not a registered enhanced code (refused for good)"


@pytest.mark.parametrize(
    "code", [211, 214, 220, 221, 235, 250, 251, 252, 334, 354, 421, 432, 450, 451, 452, 454, 455, 500, 501, 502, 503,
             504, 521, 530, 534, 535, 538, 550, 551, 552, 553, 554, 555, 556]
)  # fmt: skip
def test_the_codes_of_the_standards_are_known(code):
    assert CODES[code]


def test_enhanced_codes_are_subject_and_detail():
    assert all(re.fullmatch(r"[0-7]\.[0-9]{1,2}", code) for code in ENHANCED_CODES)
