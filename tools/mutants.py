# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make mutants`: changes the files that decide in every small way, and tells which changes no test notices.

mutants.py [NAME …]: files of NOTICED_BY, or folders; `make mutants ARGS=_smtp/replies` does one file. cosmic-ray
makes the changes. Of a file with more than AT_MOST of them a sample is taken, always the same. Fails below WANTED per
cent in a folder. Some survivors cannot be noticed, since they change nothing that can be seen: read them, one by one.

pytest collects a file's tests once. Then a process is forked for each change, the functions that are loaded are given
the changed code there, and the tests are run until one fails, the quickest first. No file is touched, and nothing is
imported anew: a change costs what its tests cost.
"""

from __future__ import annotations

import difflib
import functools
import importlib
import json
import os
import random
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, NoReturn, Optional

import cosmic_ray.plugins
import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code

ROOT = Path(__file__).resolve().parent.parent
FOUND = ROOT / ".build/mutants"  # NAME.txt: the changes of a file that no test noticed
ENGINE = "ansible_collections.postmaster.mailcheck.plugins.module_utils."
UNITS = Path("tests/unit/plugins/module_utils")
# File -> the tests that are to notice.
NOTICED_BY: Dict[str, List[str]] = {
    "_smtp/replies": ["_smtp/test_replies_exactly", "_smtp/test_replies", "_smtp/conversation/test_converse"],
    "_smtp/commands": ["_smtp/test_commands", "_smtp/conversation/test_converse", "_smtp/test_message"],
    "_smtp/conversation/converse": [
        "_smtp/conversation/test_converse",
        "_smtp/test_extensions",
        "_smtp/test_round_trips",
        "_smtp/test_plan",
    ],
    "_net/text": ["_net/test_text", "_smtp/test_transcript", "_net/test_bounds"],
    "_smtp/transcript": ["_smtp/test_transcript", "_smtp/conversation/test_converse"],
    "_net/bounds": ["_net/test_bounds"],
    "_verdicts/codes": ["_verdicts/test_codes", "_verdicts/test_explaining"],
    "_verdicts/explaining": ["_verdicts/test_explaining"],
    "_verdicts/rules": ["_verdicts/test_rules", "_smtp/test_rules", "_smtp/test_unjudged"],
    "_verdicts/wording": ["_verdicts/test_wording", "_verdicts/test_explaining"],
    "_domain/spf/evaluate": ["_domain/spf/test_check_host"],
    "_domain/spf/client": ["_domain/spf/test_check_host"],
    "_domain/spf/macros": ["_domain/spf/test_macros", "_domain/spf/test_check_host", "_domain/spf/test_facts"],
    "_domain/spf/record": ["_domain/spf/test_facts", "_domain/spf/test_check_host"],
    "_domain/spf/judge": ["_domain/spf/test_facts", "_domain/spf/test_check_host"],
    "_domain/spf/tree": ["_domain/spf/test_tree", "_domain/spf/test_facts", "_domain/spf/test_check_host"],
    "_domain/spf/facts": ["_domain/spf/test_facts", "_domain/spf/test_check_host"],
    "_domain/spf/publish": ["_domain/spf/test_publish"],
    "_domain/spf/reach": ["_domain/spf/test_reach"],
    "_domain/dmarc/record": ["_domain/dmarc/test_policy"],
    "_domain/dmarc/policy": ["_domain/dmarc/test_policy"],
    "_domain/dmarc/tree_walk": ["_domain/dmarc/test_policy"],
    "_domain/dmarc/report_destinations": ["_domain/dmarc/test_policy"],
    "_domain/mta_sts/record": ["_domain/mta_sts/test_mta_sts"],
    "_domain/mta_sts/policy": ["_domain/mta_sts/test_mta_sts"],
    "_domain/mta_sts/evaluate": ["_domain/mta_sts/test_mta_sts"],
    "_domain/tls_rpt": ["_domain/test_tls_rpt"],
    "_domain/dane": ["_domain/test_dane"],
    "_domain/dkim": ["_domain/test_dkim"],
    "_domain/mx": ["_domain/test_mx"],
    "_domain/delivery": ["_domain/test_delivery"],
    "_domain/dnssec": ["_domain/test_dnssec"],
    "_domain/caa": ["_domain/test_caa"],
    "_domain/reverse": ["_domain/test_reverse"],
    "_domain/blocklists": ["_domain/test_blocklists"],
    "_domain/bimi": ["_domain/test_bimi"],
    "_domain/remarks": ["_domain/test_remarks"],
    "_domain/advice": ["_domain/test_advice"],
    "_domain/options": ["_domain/test_options"],
    "_domain/txt": ["_domain/test_txt", "_domain/dmarc/test_policy", "_domain/test_dkim", "_domain/test_tls_rpt"],
    "_domain/report_uris": ["_domain/dmarc/test_policy", "_domain/test_tls_rpt"],
    "_domain/unanswered": ["_domain/test_txt", "_domain/dmarc/test_policy", "_domain/test_mx", "_domain/test_dane"],
    "_domain/rules": ["_domain/test_rules", "_domain/test_options"],
    "_domain/judges": ["_domain/test_rules", "_domain/test_check"],
    "_domain/plan": ["_domain/test_check"],
    "_domain/relays": ["_domain/test_check"],
    "_domain/report": ["_domain/test_check"],
    "_net/dns/resolver": ["_net/dns/test_resolver"],
    "_net/dns/lookup": ["_net/dns/test_lookup", "_net/dns/test_resolver"],
    "_net/dns/server": ["_net/dns/test_server", "_net/dns/test_lookup", "_net/dns/test_resolver"],
    "_net/dns/exchange": ["_net/dns/test_exchange", "_net/dns/test_resolver"],
    "_net/dns/messages": ["_net/dns/test_messages", "_net/dns/test_lookup", "_net/dns/test_resolver"],
    "_net/dns/records": ["_net/dns/test_messages", "_net/dns/test_resolver", "_net/dns/test_zone_files"],
    "_net/dns/servers": ["_net/dns/test_servers"],
    "_net/dns/zone_files": ["_net/dns/test_zone_files"],
    "_net/dns/evaluations": ["_net/dns/test_evaluations"],
    "_net/dns/together": ["_net/dns/test_together"],
    "_net/dns/tlsa": ["_net/dns/test_tlsa", "_smtp/test_dane", "_domain/test_dane"],
}
WANTED = 92.0  # per cent
AT_MOST = 20  # changes of one file
SEED = 7
AT_ONCE = 4
SLOW = 0.05  # seconds: tests that come last
CPU = 20  # seconds of it: an endless loop
PATIENCE = 120.0  # seconds: tests that wait for what does not come
# Identity of small constants and of None is equality: `is` beside `==` changes nothing.
NEVER_NOTICED = {"Is_Eq", "IsNot_NotEq", "Eq_Is", "NotEq_IsNot"}


class Change(NamedTuple):
    line: int
    operator: str  # of cosmic-ray
    occurrence: int  # which of the places that it finds


def main(names: List[str]) -> int:
    """Collect the tests of the chosen files, and hand them to Mutants."""
    chosen = [name for name in NOTICED_BY if not names or any(name.startswith(begin) for begin in names)]
    tests = dict.fromkeys(str(UNITS / (test + ".py")) for name in chosen for test in NOTICED_BY[name])
    mutants = Mutants(chosen)
    outcome = pytest.main(["-q", "-s", "-x", *tests], plugins=[mutants])
    rates = {folder: 100.0 * sum(noticed) / len(noticed) for folder, noticed in mutants.noticed.items()}
    for folder, percent in rates.items():
        print("%-36s %5.1f %% of %d mutants noticed" % (folder + "/", percent, len(mutants.noticed[folder])))
    return outcome or (0 if min(rates.values()) >= WANTED else 1)


class Mutants:
    """A plugin of pytest: in place of running what was collected once, it runs that for each change of each file."""

    def __init__(self, names: List[str]) -> None:
        self._names = names
        self._took: Dict[str, float] = {}
        self.noticed: Dict[str, List[bool]] = {}  # folder -> whether each change in it was noticed

    def pytest_runtest_logreport(self, report: Any) -> None:
        self._took[report.nodeid] = self._took.get(report.nodeid, 0.0) + report.duration

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: Any) -> bool:
        for name in self._names:
            tests = {ROOT / UNITS / (test + ".py") for test in NOTICED_BY[name]}
            items = [item for item in session.items if item.path in tests]
            noticed = self._changed(name, items)
            self.noticed.setdefault(os.path.dirname(name), []).extend(noticed)
        return True

    def _changed(self, name: str, items: List[Any]) -> List[bool]:
        """Return whether each change of a file was noticed; write down those that were not."""
        module = importlib.import_module(ENGINE + name.replace("/", "."))
        source = (ROOT / "plugins/module_utils" / (name + ".py")).read_text(encoding="utf-8")
        found = FOUND / (name + ".txt")
        found.parent.mkdir(parents=True, exist_ok=True)
        if self._fails(self._start(items, module, lambda: source, found)):
            raise pytest.UsageError("%s: the tests fail without a change" % name)
        took = json.loads(found.read_text(encoding="utf-8"))
        items.sort(key=lambda item: took[item.nodeid] > SLOW)
        changes = list(changes_of(source))
        sample = random.Random(SEED).sample(changes, AT_MOST) if len(changes) > AT_MOST else changes
        noticed: List[bool] = []
        for first in range(0, len(sample), AT_ONCE):
            batch = sample[first : first + AT_ONCE]
            started = [self._start(items, module, functools.partial(changed, source, change)) for change in batch]
            noticed.extend(map(self._fails, started))
        survivors = sorted(change for change, seen in zip(sample, noticed) if not seen)
        told = ["%d: %s" % (change.line, difference(source, changed(source, change))) for change in survivors]
        found.write_text("\n".join(told), encoding="utf-8")
        of = "" if len(changes) == len(sample) else ", a sample of %d" % len(changes)
        words = (name, 100.0 * sum(noticed) / len(noticed), len(noticed), of)
        print("%-36s %5.1f %% of %d mutants noticed%s" % words, flush=True)
        return noticed

    def _start(self, items: List[Any], module: Any, source: Callable[[], str], times: Optional[Path] = None) -> int:
        """Return the process that runs the tests while the file has this source; its exit status is 0 if all pass.

        `times`: where to write how long each took.
        """
        return os.fork() or self._run(items, module, source, times)

    def _fails(self, child: int) -> bool:
        """Wait for such a process."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status != 0
            time.sleep(0.02)
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return True

    def _run(self, items: List[Any], module: Any, source: Callable[[], str], times: Optional[Path]) -> NoReturn:
        """The life of such a process."""
        try:
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            for descriptor in range(3):
                os.dup2(nothing, descriptor)
            resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU))
            put_in_place(module, source())
            for item, following in zip(items, [*items[1:], None]):
                item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
                if item.session.testsfailed:
                    os._exit(1)
            if times:
                times.write_text(json.dumps(self._took), encoding="utf-8")
            os._exit(0)
        finally:
            os._exit(2)


def changed(source: str, change: Change) -> str:
    return str(mutate_code(source, cosmic_ray.plugins.get_operator(change.operator)(), change.occurrence))


def changes_of(source: str) -> Iterator[Change]:
    """Every change that cosmic-ray makes of a source, but for those that nothing could notice."""
    lines = source.split("\n")
    nodes = list(ast_nodes(get_ast(source)))
    for name in sorted(cosmic_ray.plugins.operator_names()):
        kind = cosmic_ray.plugins.get_operator(name)
        if kind.arguments() or name.partition("_")[2] in NEVER_NOTICED:
            continue
        operator = kind()
        places = (start[0] for node in nodes for start, _end in operator.mutation_positions(node))
        for occurrence, line in enumerate(places):
            if "TYPE_CHECKING" not in lines[line - 1]:
                yield Change(line, name, occurrence)


def put_in_place(module: Any, source: str) -> None:
    """Let a module do what another source of it says, wherever its functions and classes were imported to."""
    before = dict(vars(module))
    exec(compile(source, module.__file__, "exec"), vars(module))
    for name, new in list(vars(module).items()):
        old = before.get(name)
        if name.startswith("__") or old is new:
            continue
        if renewed(old, new):
            setattr(module, name, old)
            continue
        for other in list(sys.modules.values()):  # who has imported the value
            if getattr(other, "__dict__", {}).get(name) is old and old is not None:
                setattr(other, name, new)


def renewed(old: Any, new: Any) -> bool:
    """Give a function or a class what another one of its kind has; return False for what is neither."""
    if isinstance(old, (staticmethod, classmethod)) and type(old) is type(new):
        return renewed(old.__func__, new.__func__)
    if isinstance(old, property) and isinstance(new, property):
        return renewed(old.fget, new.fget)
    if hasattr(old, "cache_clear") and hasattr(new, "cache_clear"):
        old.cache_clear()
        return renewed(old.__wrapped__, new.__wrapped__)
    if isinstance(old, type) and isinstance(new, type):
        for key, value in vars(new).items():
            if type(value).__name__ in ("member_descriptor", "getset_descriptor") or key in ("__doc__", "__module__"):
                continue
            if not renewed(vars(old).get(key), value):
                setattr(old, key, value)
        return True
    if not (hasattr(old, "__code__") and hasattr(new, "__code__")):
        return False
    old.__code__, old.__defaults__, old.__kwdefaults__ = new.__code__, new.__defaults__, new.__kwdefaults__
    return True


def difference(before: str, after: str) -> str:
    """The lines that differ, without their surroundings."""
    lines = list(difflib.unified_diff(before.split("\n"), after.split("\n"), lineterm="", n=0))
    return "\n".join(lines[3:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
