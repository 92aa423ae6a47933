# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Resolvers as they are met with, each of which keeps something back that the validator of names.py says, or makes
# something up.

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.names import BIND, UNBOUND, Names, answers, stubs

MADE_UP = "192.0.2.99"
REDIRECT = f"$TTL 60\n@ IN SOA ns.test. hostmaster.test. 1 3600 600 86400 60\n@ IN NS ns.test.\n* IN A {MADE_UP}\n"


class Resolvers(NamedTuple):
    """Addresses with their ports, as `dns_servers` takes them."""

    stripping: str  # a forwarder before the validator: what it hands on has no AD
    obstinate: str  # a validator that does not care for CD
    rewriting: str  # a forwarder before the validator: names that do not exist have an address


@contextlib.contextmanager
def run_resolvers(folder: Path, names: Names) -> Iterator[Resolvers]:
    validator, authority = (address.rpartition(":")[2] for address in (names.resolver, names.authority))
    forward = f'forward-zone:\n  name: "."\n  forward-addr: {servers.HOST}@{validator}\n'
    with contextlib.ExitStack() as stack:
        yield Resolvers(
            stack.enter_context(_unbound(folder / "stripping", names, forward, validates=False)),
            stack.enter_context(
                _unbound(folder / "obstinate", names, "server:\n  ignore-cd-flag: yes\n" + stubs(authority))
            ),
            stack.enter_context(_rewriting(folder / "rewriting", validator)),
        )


@contextlib.contextmanager
def _unbound(folder: Path, names: Names, more: str, validates: bool = True) -> Iterator[str]:
    folder.mkdir()
    shutil.copy(names.folder / "root.key", folder)
    port = servers.free_port()
    configuration = UNBOUND.format(folder=folder, port=port) + more
    if not validates:
        configuration = configuration.replace('"validator iterator"', '"iterator"')
    (folder / "unbound.conf").write_text(configuration)
    command = [servers.find_program("unbound"), "-d", "-p", "-c", str(folder / "unbound.conf")]
    with servers.running(command, port, folder / "log", ready=answers):
        yield f"{servers.HOST}:{port}"


@contextlib.contextmanager
def _rewriting(folder: Path, validator: str) -> Iterator[str]:
    folder.mkdir()
    port = servers.free_port()
    (folder / "redirect.zone").write_text(REDIRECT)
    configuration = BIND.format(folder=folder, port=port).replace("recursion no;", "recursion yes;")
    configuration += f'zone "." {{ type redirect; file "{folder}/redirect.zone"; }};\n'
    forwarding = f"forwarders {{ {servers.HOST} port {validator}; }}; forward only;"
    (folder / "named.conf").write_text(configuration.replace("options {", "options { " + forwarding, 1))
    command = [servers.find_program("named"), "-g", "-c", str(folder / "named.conf")]
    with servers.running(command, port, folder / "log", ready=answers):
        yield f"{servers.HOST}:{port}"
