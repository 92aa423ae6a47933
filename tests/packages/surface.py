# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What users of a release can name, read from its installed collection and command: options, facts, flags, what reports
# consist of, with what the command exits, and the names of causes, rules, profiles, playbooks and of the package. Options
# and facts are named by their path: `expect.codes`, `tls.chain.subject`.
#
# `python surface.py SITE-PACKAGES TOOLS > released/VERSION.json`, where the collection lies in the first folder, and
# ansible-doc and mailcheck in the second, keeps a release for test_upgrade.py.

from __future__ import annotations

import json
import os
import re
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Dict, Iterator, List, Mapping, Tuple
from xml.etree import ElementTree

COLLECTION = "postmaster.mailcheck"
PLUGINS = ("module", "filter", "lookup")
OF_AN_OPTION = ("type", "elements", "choices", "default", "required", "version_added")

# What smtp_sweep of 0.1.0 said of a relay that breaks a rule, for which there is a waiver, and of one whose certificate
# has expired. The reports of every release are made of it.
SWEEP = Path(__file__).with_name("sweep-0.1.0.json")
ASSESSED = """{{ sweep | postmaster.mailcheck.assess(today='2026-12-01', waivers=waivers,
 profile=lookup('postmaster.mailcheck.profile', 'modern-tls')) | postmaster.mailcheck.report_%s }}"""
WAIVER = {
    "rule": "capabilities",
    "endpoint": "localhost:36891",
    "reason": "It is being replaced",
    "owner": "ops@example.com",
    "expires": "2026-12-31",
}


def surface(installed: Path, tools: Path) -> Dict[str, Any]:
    plugins = {f"{kind} {name}": entry for kind in PLUGINS for name, entry in _documented(kind, installed, tools)}
    roles = dict(_documented("role", installed, tools))
    return {
        "options": {
            **{name: dict(_options(entry["doc"].get("options", {}))) for name, entry in plugins.items()},
            **{
                f"role {name}": dict(_options(entry["entry_points"]["main"]["options"]))
                for name, entry in roles.items()
            },
        },
        "facts": {name: dict(_facts(entry["return"])) for name, entry in plugins.items() if name.startswith("module")},
        "flags": {command: _flags(command, tools) for command in ("check", "sweep", "explain")},
        "reports": _reports(installed, tools),
        "exits": _exits(tools),
        "names": _names(installed, tools),
    }


def _environment(installed: Path) -> Dict[str, str]:
    return {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(installed), "ANSIBLE_LOCALHOST_WARNING": "false"}


def _documented(kind: str, installed: Path, tools: Path) -> Iterator[Tuple[str, Any]]:
    """Names without the collection's, and what ansible-doc says of each."""
    environ = _environment(installed)

    def ansible_doc(*words: str) -> Any:
        command = [str(tools / "ansible-doc"), "--type", kind, "--json", *words]
        done = subprocess.run(command, env=environ, cwd=installed, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)

    names = list(ansible_doc("--list", COLLECTION))
    for name, entry in (ansible_doc(*names) if names else {}).items():
        yield name.rpartition(".")[2], entry


def _options(options: Mapping[str, Any], above: str = "") -> Iterator[Tuple[str, Any]]:
    for name, option in options.items():
        kept = {key: option[key] for key in OF_AN_OPTION if key in option}
        choices = kept.get("choices")
        yield above + name, {**kept, "choices": sorted(map(str, choices))} if choices else kept
        yield from _options(option.get("options") or option.get("suboptions") or {}, f"{above}{name}.")


def _facts(facts: Mapping[str, Any], above: str = "") -> Iterator[Tuple[str, str]]:
    for name, fact in facts.items():
        yield above + name, fact["type"]
        yield from _facts(fact.get("contains") or {}, f"{above}{name}.")


def _flags(command: str, tools: Path) -> List[str]:
    lines = re.findall(r"^ +(-.*)", _help(command, tools), re.MULTILINE)  # "-v, --verbose  what it does"
    return sorted({flag for line in lines for flag in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", line.split("  ")[0])})


def _help(command: str, tools: Path) -> str:
    """Where all is shown: a release that has --help-all shows it there."""
    for word in ("--help-all", "--help"):
        done = subprocess.run([str(tools / "mailcheck"), command, word], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            break
    return done.stdout


# Reports: the names by which readers of each format find what they look for. The page is for people, and has none.


def _reports(installed: Path, tools: Path) -> Dict[str, List[str]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tasks = [
            {"ansible.builtin.copy": {"content": ASSESSED % kind, "dest": str(folder / kind), "mode": "0600"}}
            for kind in _NAMES
        ]
        sweep = json.loads(SWEEP.read_text(encoding="utf-8"))
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "vars": {"sweep": sweep, "waivers": [WAIVER]},
            "tasks": tasks,
        }
        (folder / "play.yml").write_text(json.dumps([play]), encoding="utf-8")
        command = [str(tools / "ansible-playbook"), "play.yml"]
        subprocess.run(command, env=_environment(installed), cwd=folder, capture_output=True, check=True)
        return {kind: sorted(set(read((folder / kind).read_text(encoding="utf-8")))) for kind, read in _NAMES.items()}


def _keys(text: str) -> Iterator[str]:
    """JSON: the paths of its keys."""

    def walk(value: Any, above: str) -> Iterator[str]:
        if isinstance(value, list):
            for each in value:
                yield from walk(each, above)
        elif isinstance(value, dict):
            for key, below in value.items():
                path = above + re.sub("^[0-9a-f]{64}$", "<fingerprint>", key)
                yield path
                yield from walk(below, path + ".")

    return walk(json.loads(text), "")


def _elements(text: str) -> Iterator[str]:
    """XML: the paths of its elements and their attributes."""

    def walk(element: ElementTree.Element, path: str) -> Iterator[str]:
        yield path
        yield from ("%s@%s" % (path, name) for name in element.attrib)
        for child in element:
            yield from walk(child, "%s/%s" % (path, child.tag))

    root = ElementTree.fromstring(text)
    return walk(root, root.tag)


def _series(text: str) -> Iterator[str]:
    """Prometheus: each metric with its labels."""
    for name, labels in re.findall(r"^(\w+)(?:\{(.*)\})? ", text, re.MULTILINE):
        yield "%s{%s}" % (name, ",".join(sorted(re.findall(r'(\w+)="', labels))))


def _tables(text: str) -> Iterator[str]:
    """Markdown: the heads of its tables."""
    return iter(re.findall(r"^(\|.*\|)\n\| *:?-", text, re.MULTILINE))


def _columns(text: str) -> Iterator[str]:
    """A plain table: the names of its columns."""
    return iter(re.split(r" {2,}", text.splitlines()[0].strip()))


_NAMES = {"json": _keys, "junit": _elements, "prometheus": _series, "markdown": _tables, "table": _columns}


# Names that are given, or met with, as they are


def _names(installed: Path, tools: Path) -> Dict[str, List[str]]:
    collection = installed / "ansible_collections/postmaster/mailcheck"
    causes = (collection / "docs/docsite/rst/causes.rst").read_text(encoding="utf-8")
    group = (collection / "meta/runtime.yml").read_text(encoding="utf-8").partition("action_groups:")[2]
    return {
        "cause": sorted(re.findall(r"docsite\.cause_(\w+):$", causes, re.MULTILINE)),
        "rule": _rules(tools),
        "profile": sorted(path.stem for path in (collection / "plugins/plugin_utils/data/profiles").glob("*.yml")),
        "playbook": sorted(path.stem for path in (collection / "playbooks").glob("*.yml")),
        "module of the group": sorted(re.findall(r"^ +- (\w+)$", group, re.MULTILINE)),
        "variable": sorted(
            {name for command in ("check", "sweep") for name in re.findall("MAILCHECK_[A-Z_]+", _help(command, tools))}
        ),
        "Python": json.loads(
            subprocess.run([str(tools / "python"), "-c", _PACKAGE], capture_output=True, text=True, check=True).stdout
        ),
    }


# Its names, and those of the arguments.
_PACKAGE = """
import inspect, json, postmaster_mailcheck as package
named = {name: getattr(package, name) for name in package.__all__}
functions = {name: inspect.signature(one).parameters for name, one in named.items() if inspect.isfunction(one)}
print(json.dumps(sorted([*named, *("%s(%s)" % (name, key) for name in functions for key in functions[name])])))
"""


def _rules(tools: Path) -> List[str]:
    """Those that are told to whoever expects what there is not."""
    command = [str(tools / "mailcheck"), "check", "127.0.0.1:1", "--expect", '{"x": 1}']
    told = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    return sorted(re.findall(r"\w+", told.partition("Known: ")[2]))


# The command's exit codes, from what a script meets


class _Relay(socketserver.StreamRequestHandler):
    """Greets with what the server has, and then says yes."""

    def handle(self) -> None:
        self.wfile.write(self.server.greeting)  # type: ignore[attr-defined]
        for line in self.rfile:
            self.wfile.write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 relay.example.com\r\n")


@contextmanager
def _relay(greeting: bytes) -> Iterator[str]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Relay) as server:
        server.daemon_threads = True
        server.greeting = greeting  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield "127.0.0.1:%d" % server.server_address[1]
        finally:
            server.shutdown()


def _exits(tools: Path) -> Dict[str, int]:
    def code(*words: str, given: str = "") -> int:
        command = [str(tools / "mailcheck"), *words]
        return subprocess.run(command, input=given, capture_output=True, text=True, check=False).returncode

    found: Dict[str, int] = {}
    plain = ["--tls", "none"]
    with _relay(b"220 relay.example.com ESMTP\r\n") as relay:
        found["passed"] = code("check", relay, *plain)
        found["a rule is unmet"] = code("check", relay, *plain, "--expect", '{"capabilities": ["DSN"]}')
        found["a mistake"] = code("check", relay, "--sender", "a b")
        # Its turn comes within a day.
        late = ["--jitter", "86400", "--deadline", "0.5"]
        found["not checked in time"] = code("sweep", "-", *plain, *late, given=relay)
    with _relay(b"554 no\r\n") as relay:
        found["refused"] = code("check", relay)
    with _relay(b"421 later\r\n") as relay:
        found["refused for now"] = code("check", relay)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # and does not listen
        found["nothing listens"] = code("check", "127.0.0.1:%d" % nobody.getsockname()[1])
    found["an explanation"] = code("explain", "554")
    return found


if __name__ == "__main__":
    json.dump(surface(Path(sys.argv[1]), Path(sys.argv[2])), sys.stdout, indent=1, sort_keys=True)
