# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# A callback plugin that keeps every result of a playbook in the file $KEPT_RESULTS: a line of JSON each, with the event,
# the task, the host, and those of its texts that Ansible would template.

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

from ansible.plugins.callback import CallbackBase

try:  # ansible-core 2.19 and newer
    from ansible.template import is_trusted_as_template
except ImportError:
    from ansible.utils.unsafe_proxy import AnsibleUnsafe

    def is_trusted_as_template(value: object) -> bool:
        return not isinstance(value, AnsibleUnsafe)


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "kept_results"

    def v2_runner_on_ok(self, result: Any) -> None:
        self._keep("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        self._keep("failed, ignored" if ignore_errors else "failed", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        self._keep("unreachable", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        self._keep("skipped", result)

    def v2_runner_retry(self, result: Any) -> None:
        self._keep("retry", result)

    def v2_runner_item_on_ok(self, result: Any) -> None:
        self._keep("item ok", result)

    def v2_runner_item_on_failed(self, result: Any) -> None:
        self._keep("item failed", result)

    def _keep(self, event: str, result: Any) -> None:
        returned = result.result if hasattr(result, "result") else result._result
        task = result.task if hasattr(result, "task") else result._task
        host = result.host if hasattr(result, "host") else result._host
        line = {
            "event": event,
            "task": task.name,
            "host": host.name,
            "result": returned,
            "templates": [text for text in texts(returned) if "{{" in text and is_trusted_as_template(text)],
        }
        with open(os.environ["KEPT_RESULTS"], "a", encoding="utf-8") as file:
            print(json.dumps(line, default=repr, sort_keys=True), file=file)


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ():
        yield from texts(inner)
