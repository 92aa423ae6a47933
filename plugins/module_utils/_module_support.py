# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Where AnsibleModule and the engine meet; the engine's side knows nothing of Ansible.
#
# A module's argument spec is composed of the engine's one list of options. Their documentation is the fragment
# plugins/doc_fragments/smtp.py; a unit test compares the two.
#
# What a relay does is data and comes back as the report, whether the task passes or fails. Only two things are
# exceptions: a caller's mistake (OptionError) and a fault of our own. Both end as one clear sentence here.

from __future__ import annotations

import json
import signal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Set

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.common.validation import check_type_dict

from ._errors import OptionError, describe_bug
from ._process import write_no_core_file
from ._smtp.options import EXPECT_OPTIONS, OPTIONS

if TYPE_CHECKING:
    from typing import Any, Callable, Dict, Iterator

    Spec = Dict[str, Dict[str, Any]]


def argument_spec(own: Spec, transcript: str) -> Spec:
    """Return a module's argument spec: its `own` options, and those of a check, with this default of `transcript`."""
    shared = {**OPTIONS, "transcript": {**OPTIONS["transcript"], "default": transcript}}
    return with_rules({**own, **shared}, EXPECT_OPTIONS)


def with_rules(spec: Spec, rules: Spec) -> Spec:
    """Return an argument spec whose `expect` knows these rules as suboptions."""
    return {**spec, "expect": {**spec["expect"], "options": rules}}


# What is written into an option that does not exist may be a secret, unless it is this short; to mask each `25` or `no`
# would leave nothing to read.
_LEAST_CHARACTERS = 6


class _LongestFirst(Set[str]):
    """Secrets in the order to mask them in (ansible-core 2.18 has none): one may begin with another."""

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(super().__iter__(), key=len, reverse=True))


class Module(AnsibleModule):
    """An AnsibleModule whose secrets, however nested and whatever they are made of, reach no log and no result.

    Ansible masks a text by looking for the secrets in it. It misses those that a repr() has escaped by then, as in the
    line "Invoked with ..." of the journal, and all of them where the options turn out to be malformed.
    """

    params: Dict[str, Any]
    _expect: Any = None  # as it was written

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if isinstance(self._expect, Mapping):
            self.params["expect"] = _as_written(self._expect, self.params["expect"])

    def _load_params(self) -> None:
        """Know the secrets before anything is checked, and so before anything can be said of them."""
        super()._load_params()
        self.no_log_values = _LongestFirst(_secrets(self.argument_spec, self.params))
        rules = self.argument_spec.get("expect", {}).get("options")
        self._expect = _mapping(self.params.get("expect")) if rules else None
        if isinstance(self._expect, Mapping):
            self.params["expect"] = _known(rules, self._expect)
        self.params = _without_scalars(self.argument_spec, self.params)

    def _log_invocation(self) -> None:
        """Log the options as JSON, whose escapes are known, so that a secret is found in it."""
        given, escaped = self.params, [json.dumps(secret)[1:-1] for secret in self.no_log_values]
        self.params = {name: remove_values(json.dumps(value), escaped) for name, value in given.items()}
        try:
            super()._log_invocation()
        finally:
            self.params = given


def _mapping(given: Any) -> Any:
    """Return a mapping that was written as text as what it is; anything else as it stands, for Ansible to refuse."""
    try:
        return check_type_dict(given) if isinstance(given, str) else given
    except TypeError:
        return given


def _known(spec: Mapping[str, Any], given: Mapping[Any, Any]) -> Dict[str, Any]:
    """Return what Ansible is to check of `expect`: of a rule that nobody knows the engine can say what was meant."""
    return {
        name: _known(spec[name]["options"], value) if "options" in spec[name] and isinstance(value, Mapping) else value
        for name, value in given.items()
        if name in spec and not _made_text(spec[name], value)
    }


def _without_scalars(spec: Mapping[str, Any], given: Any) -> Any:
    """Return what was written where suboptions belong: Ansible refuses a text, and breaks over a number."""
    if isinstance(given, list):
        return [_without_scalars(spec, entry) for entry in given]
    if isinstance(given, Mapping):
        rows = {name: spec.get(name, {}).get("options") for name in given}
        return {name: _without_scalars(rows[name], value) if rows[name] else value for name, value in given.items()}
    return str(given) if isinstance(given, (int, float)) else given


def _made_text(row: Mapping[str, Any], value: Any) -> bool:
    """Whether Ansible would write a list or a mapping as a text: a secret in it is not found behind the escapes."""
    entries = value if row["type"] == "list" and isinstance(value, list) else [value]
    return row.get("elements", row["type"]) == "str" and any(isinstance(one, (list, Mapping)) for one in entries)


def _as_written(given: Any, checked: Any) -> Any:
    """Return what was checked, of all keys those that were written: a rule that is null is not one nobody named."""
    if isinstance(given, Mapping) and isinstance(checked, Mapping):
        found = {name: checked.get(name) for name in given}  # None: was not checked, or is null
        return {
            name: value if found[name] is None else _as_written(value, found[name]) for name, value in given.items()
        }
    return checked


def _secrets(spec: Mapping[str, Any], given: Any) -> Iterator[str]:
    """Yield what must not be shown of options as they were written: the secret ones, and what cannot be told apart."""
    if not isinstance(given, Mapping):
        yield from _texts(given)
        return
    known = {*spec, *(alias for row in spec.values() for alias in row.get("aliases", ()))}
    for name in given.keys() - known:
        if not str(name).startswith("_ansible_"):  # `pasword`: Ansible refuses it, and shows it
            yield from (text for text in _texts(given[name]) if len(text) >= _LEAST_CHARACTERS)
    for name, row in spec.items():
        value = given.get(name)
        if row.get("no_log"):
            yield from _texts(value)
        elif row.get("options"):
            for entry in value if isinstance(value, list) else [value]:
                yield from _secrets(row["options"], entry)


def _texts(value: Any) -> Iterator[str]:
    """Yield each text in a value, and the text that Ansible makes of it where it wants one."""
    for entry in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _texts(entry)
    if value not in (None, "", [], {}):
        yield str(value)


def run(
    module: AnsibleModule,
    work: Callable[..., Dict[str, Any]],
    passed: Callable[[Dict[str, Any]], bool],
    in_process: bool,
) -> None:
    """Do `work` (check, sweep) with the module's options; exit with its report, as a failure unless `passed` of it.

    `in_process` says that the process is not the module's own, but one of Ansible's, which minds its signals and limits
    itself.
    """
    if not in_process:
        write_no_core_file()
    try:
        on_start = None if in_process else _stop_on_signals
        report = work(check_mode=module.check_mode, on_start=on_start, **module.params)
        report["engine"]["in_process"] = in_process
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
