# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What all action plugins of the collection are: a module that would run on this machine anyway runs in this process.
#
# Nothing is packed, no second Python is started; all else is Ansible's own way from a task to its result. The module
# is given its options as JSON, checks them itself, and its result is read from the JSON that it prints, so that what a
# relay has said is as untrusted as what any module returns. Everything that this process has only once is as before
# afterwards, whatever ends the module: this process goes on with the next item of a loop.

from __future__ import annotations

import contextlib
import gc
import io
import json
import locale
import os
import sys
from typing import TYPE_CHECKING

from ansible import constants as C
from ansible.module_utils import basic
from ansible.module_utils.common import warnings
from ansible.plugins.action.normal import ActionModule

try:  # ansible-core 2.19 and newer
    from ansible.executor.module_common import _BuiltModule
    from ansible.module_utils import _internal
    from ansible.module_utils.common.json import Direction, get_module_encoder
except ImportError:
    _BuiltModule = None

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import ModuleType
    from typing import Any

# What a module speaks that says nothing else, from ansible-core 2.19.
_PROFILE = "legacy"

# Action plugins have no documentation that Ansible would read this from: plugins/doc_fragments/attributes.py tells.
_SWITCH = "ansible_mailcheck_in_process"
C.config.initialize_plugin_configuration_definitions(
    "action",
    "postmaster.mailcheck",
    {
        "in_process": {
            "type": "bool",
            "default": True,
            "ini": [{"section": "mailcheck", "key": "in_process"}],
            "env": [{"name": "ANSIBLE_MAILCHECK_IN_PROCESS"}],
            "vars": [{"name": _SWITCH}],
        }
    },
)


class InProcessAction(ActionModule):
    """Runs `module` in this process where the task allows it, and as Ansible runs any module where it does not."""

    module: ModuleType

    def run(self, tmp: None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        self._in_process = self._may_run_in_process(task_vars or {})
        result: dict[str, Any] = super().run(tmp, task_vars)
        return result

    def _may_run_in_process(self, task_vars: Mapping[str, Any]) -> bool:
        task, connection = self._task, self._connection
        if connection.transport != "local" or connection.become or task.async_val or any(task.environment or ()):
            return False
        host_vars = task_vars["ansible_delegated_vars"][task.delegate_to] if task.delegate_to else task_vars
        names = [name for name in (_SWITCH, "ansible_python_interpreter") if name in host_vars]
        variables = {name: self._templar.template(host_vars[name]) for name in names}
        interpreter = C.config.get_config_value("INTERPRETER_PYTHON", variables=variables) or "auto"
        return (interpreter == sys.executable or interpreter.startswith("auto")) and C.config.get_config_value(
            "in_process", plugin_type="action", plugin_name="postmaster.mailcheck", variables=variables
        )

    # What _execute_module() asks for, in this order.

    def _is_pipelining_enabled(self, module_style: str, wrap_async: bool = False) -> bool:
        """Return whether it does without a temporary folder."""
        return self._in_process or super()._is_pipelining_enabled(module_style, wrap_async)

    def _configure_module(self, module_name: str, module_args: dict[str, Any], task_vars: dict[str, Any]) -> Any:
        """Keep the options that the module would be packed with."""
        if not self._in_process:
            with _no_look_for_garbage():
                return super()._configure_module(module_name, module_args, task_vars)
        self._options = module_args
        path, shebang = self.module.__file__, "#!" + sys.executable
        if _BuiltModule is None:
            return "new", shebang, b"", path
        built = _BuiltModule(b_module_data=b"", module_style="new", shebang=shebang, serialization_profile=_PROFILE)
        return built, path

    def _low_level_execute_command(self, cmd: str, *args: Any, **options: Any) -> dict[str, Any]:
        """Call what the command would have started."""
        if not self._in_process:
            result: dict[str, Any] = super()._low_level_execute_command(cmd, *args, **options)
            return result
        self._display.vvv("In Ansible's own process, see the attribute `action` in the documentation.")
        with _as_a_module(self._options, self._loader.get_basedir()) as printed, contextlib.suppress(SystemExit):
            self.module.main(in_process=True)  # which ends as modules do, with its result on standard output
        return {"rc": 0, "stdout": printed.getvalue(), "stderr": ""}


@contextlib.contextmanager
def _no_look_for_garbage() -> Iterator[None]:
    """Let a module be packed in half the time: Ansible parses each of its files, into trees that are gone when it is.

    Python would look through these again and again, for what only it can free.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


@contextlib.contextmanager
def _as_a_module(options: dict[str, Any], folder: str) -> Iterator[io.StringIO]:
    """Let this process be like one that was started for a module, in `folder`; yields what is printed."""
    printed = io.StringIO()
    with contextlib.ExitStack() as afterwards:
        afterwards.enter_context(_replaced(basic, _ANSIBLE_ARGS=_encoded({"ANSIBLE_MODULE_ARGS": options})))
        empty = {name: type(getattr(warnings, name))() for name in ("_global_warnings", "_global_deprecations")}
        afterwards.enter_context(_replaced(warnings, **empty))
        if _BuiltModule is not None:
            afterwards.enter_context(_replaced(basic, _ANSIBLE_PROFILE=_PROFILE, _PARSED_MODULE_ARGS=None))
            # On a controller a warning is shown at once, and is missing in the result.
            afterwards.enter_context(_replaced(_internal, is_controller=False))
        afterwards.callback(locale.setlocale, locale.LC_ALL, locale.setlocale(locale.LC_ALL))
        afterwards.callback(_restore_environment, dict(os.environ))
        afterwards.enter_context(contextlib.chdir(folder))  # where the local connection starts what it runs
        afterwards.enter_context(contextlib.redirect_stdout(printed))
        yield printed


def _encoded(arguments: dict[str, Any]) -> bytes:
    if _BuiltModule is None:
        from ansible.parsing.ajson import AnsibleJSONEncoder

        return json.dumps(arguments, cls=AnsibleJSONEncoder, vault_to_text=True).encode()
    return json.dumps(arguments, cls=get_module_encoder(_PROFILE, Direction.CONTROLLER_TO_MODULE)).encode()


@contextlib.contextmanager
def _replaced(owner: ModuleType, **values: Any) -> Iterator[None]:
    before = {name: getattr(owner, name) for name in values}
    vars(owner).update(values)
    try:
        yield
    finally:
        vars(owner).update(before)


def _restore_environment(before: dict[str, str]) -> None:
    """AnsibleModule changes it where the locale that it asks for does not exist."""
    if os.environ != before:
        os.environ.clear()
        os.environ.update(before)
