# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. Where AnsibleModule and the engine meet; the engine's side knows nothing of Ansible.
#
# What a relay does is data and comes back as the report, whether the task passes or fails. Only two things are
# exceptions: a caller's mistake (OptionError) and a fault of our own. Both end as one clear sentence here.

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from ansible.module_utils.common.parameters import remove_values

from .smtp.driver import describe_bug
from .smtp.model import OptionError

if TYPE_CHECKING:
    from typing import Any, Callable, Dict

    from ansible.module_utils.basic import AnsibleModule


def run(module: AnsibleModule, work: Callable[..., Dict[str, Any]], passed: Callable[[Dict[str, Any]], bool]) -> None:
    """Do `work` (check, sweep) with the module's options; exit with its report, as a failure unless `passed` of it."""
    try:
        report = work(check_mode=module.check_mode, on_start=_stop_on_signals, **module.params)
        good = passed(report)
    except OptionError as error:
        report, good = {"msg": str(error)}, False
    except Exception as bug:  # noqa: BLE001  # the boundary: users get a sentence, never a traceback
        report, good = {"msg": "A fault of this collection, please report it: %s." % describe_bug(bug)}, False
    # Not inside the handlers: fail_json() would add the exception that is being handled.
    _exit(module, report, good)


def _exit(module: AnsibleModule, report: Dict[str, Any], passed: bool) -> None:
    for warning in report.pop("warnings", ()):
        module.warn(warning)
    _warn_of_masked_facts(module, report)
    if passed:
        module.exit_json(**report)
    module.fail_json(**report)


def _warn_of_masked_facts(module: AnsibleModule, report: Dict[str, Any]) -> None:
    """Ansible masks the values of secret options wherever they occur: 'secret' makes 'secretary' '********ary'."""
    if not module.no_log_values:
        return
    masked, plain = (remove_values(report, secrets) for secrets in (module.no_log_values, ()))
    altered = [key for key in plain if masked[key] != plain[key]]
    if altered:
        module.warn(
            "The value of a secret option also occurs in %s: Ansible masks it there, so these are not quite what "
            "the relay said. A longer secret would not do this." % ", ".join(altered)
        )


def _stop_on_signals(stop: Callable[[], None]) -> None:
    """Let SIGINT and SIGTERM end the check with what it has learned; a second one ends the module."""

    def on_signal(number: int, _frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
