# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Evaluations that are run as one: each gets its own answers, and nobody waits for more steps than there are.

from __future__ import annotations

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.together import together


def asking(name, *counts):
    """Ask for so many at each step, and return all that was answered."""
    heard = []
    for step, count in enumerate(counts):
        heard.append((yield tuple("%s%d.%d" % (name, step, index) for index in range(count))))
    return heard


def test_each_gets_its_own_answers():
    run = together([asking("a", 2, 1), asking("b"), asking("c", 1), asking("d", 0, 2)])
    asked, answers, result = [], None, None
    while result is None:
        try:
            questions = run.send(answers)
        except StopIteration as ended:
            result = ended.value
        else:
            asked.append(questions)
            answers = tuple(map(str.upper, questions))
    assert asked == [("a0.0", "a0.1", "c0.0", "d1.0", "d1.1"), ("a1.0",)]
    assert result == [[("A0.0", "A0.1"), ("A1.0",)], [], [("C0.0",)], [(), ("D1.0", "D1.1")]]


def test_nothing_is_asked_twice_and_who_knows_enough_does_not_wait():
    run = together([asking("a", 1, 1), asking("a", 1, 2), asking("a", 0, 1, 1)])
    assert run.send(None) == ("a0.0", "a1.0")
    assert run.send(("A0.0", "A1.0")) == ("a1.1", "a2.0")
