# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import signal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator, Tuple


@pytest.fixture(autouse=True)
def as_on_a_target(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module runs in a process without a controller; where another test has loaded one, warnings go elsewhere."""
    try:
        from ansible.module_utils import _internal
    except ImportError:
        return
    monkeypatch.setattr(_internal, "is_controller", False, raising=False)  # ansible-core has it from 2.19


@pytest.fixture
def run_module(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Tuple[int, Dict[str, Any]]]]:
    """Run a module's `main` with these options; return its exit status and its result."""
    from ansible.module_utils import basic
    from ansible.module_utils.common import warnings

    def run(main: Callable[[], None], check_mode: bool = False, **options: Any) -> Tuple[int, Dict[str, Any]]:
        arguments = {"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check_mode}}
        monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps(arguments).encode())
        monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)  # from ansible-core 2.19
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert printed.err == ""
        return ended.value.code, json.loads(printed.out)  # type: ignore[return-value]

    # They gather per process, and a process is a task everywhere but here.
    monkeypatch.setattr(warnings, "_global_warnings", type(warnings._global_warnings)())
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)
