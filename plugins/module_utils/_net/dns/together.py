# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Evaluations side by side, as one: what they want to know at a time is asked together, and nothing twice.

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence, Tuple

    from .model import Answer, Evaluation, Question


def together(evaluations: Sequence[Evaluation[Any]]) -> Evaluation[List[Any]]:
    """Return what the evaluations return, in their order."""
    known: Dict[Question, Answer] = {}
    results: List[Any] = [None] * len(evaluations)
    waiting: Dict[int, Optional[Tuple[Question, ...]]] = dict.fromkeys(range(len(evaluations)))  # None: not begun
    while waiting:
        ready = {index: asked for index, asked in waiting.items() if all(question in known for question in asked or ())}
        for index, asked in ready.items():
            answers = None if asked is None else tuple(known[question] for question in asked)
            try:
                waiting[index] = evaluations[index].send(answers)  # type: ignore[arg-type]  # None begins a generator
            except StopIteration as ended:
                results[index] = ended.value
                del waiting[index]
        if not ready:
            unknown = (question for asked in waiting.values() for question in asked or () if question not in known)
            wanted = tuple(dict.fromkeys(unknown))
            known.update(zip(wanted, (yield wanted)))
    return results
