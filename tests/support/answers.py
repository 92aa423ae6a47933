# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Plays an evaluation against answers from a table: no name server, no zone file, no DNS library.

from __future__ import annotations

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.dns.model import ABSENT, Answer


def play(evaluation, answers, asked=None):
    """Return what an evaluation returns whose questions are answered by `answers`: (name, kind) -> Answer.

    What is not in the table does not exist. `asked` is a list that takes the tuple of questions of each round trip.
    """
    results = []

    def kept():
        results.append((yield from evaluation))

    running, told = kept(), None
    while True:
        try:
            questions = running.send(told)
        except StopIteration:
            return results[0]
        if asked is not None:
            asked.append(questions)
        told = tuple(answer_to(question, answers) for question in questions)


def answer_to(question, answers):
    found = answers.get((question.name, question.kind), Answer(question, ABSENT, exists=False))
    return found._replace(question=question)
