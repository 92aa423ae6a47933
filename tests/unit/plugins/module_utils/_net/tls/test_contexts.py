# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What a context is made of, whatever Python and distribution would make of it, and which files it needs.

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import ssl
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, NamedTuple, Tuple

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls import contexts
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.judging import judge
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsFailure, TlsPolicy
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.request import build_request
from ansible_collections.postmaster.mailcheck.plugins.module_utils._smtp.sweep import sweep
from ansible_collections.postmaster.mailcheck.tests.support.chains import CLIENT, NAME, Chain, issue, server_context
from ansible_collections.postmaster.mailcheck.tests.support.handshake import World, refused, shake_hands
from ansible_collections.postmaster.mailcheck.tests.support.relay import Relay, running

if TYPE_CHECKING:
    from typing import List

# Relays that speak TLS 1.0 are what is asked for here.
pytestmark = [
    pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:ssl.OP_NO_SSL:DeprecationWarning"),
]


@pytest.mark.parametrize("suites", ["aNULL", "eNULL", "ALL:COMPLEMENTOFALL"])
def test_no_suite_without_certificate_or_encryption(world: World, tmp_path: Any, suites: str) -> None:
    server = server_context(world.leaf(), tmp_path)
    server.maximum_version = ssl.TLSVersion.TLSv1_2
    server.set_ciphers("aNULL:eNULL:@SECLEVEL=0")
    policy = TlsPolicy(world.ca_path, maximum="TLSv1.2", ciphers=suites + ":@SECLEVEL=0")
    with pytest.raises((OptionError, TlsFailure)) as refused:
        shake_hands(policy, server)
    if "ALL" in suites:
        assert refused.value.cause == "tls_cipher_mismatch"
    else:
        assert refused.value.option == "tls_ciphers"


def test_they_count_for_who_only_asks_whether_they_are_taken(world: World, tmp_path: Any) -> None:
    """And never where a certificate is to be verified."""
    server = server_context(world.leaf(), tmp_path)
    server.set_ciphers("aNULL:@SECLEVEL=0")
    asking = TlsPolicy(world.ca_path, maximum="TLSv1.2", ciphers="aNULL:@SECLEVEL=0", verify=False, unprotected=True)
    facts = shake_hands(asking, server).facts
    assert facts.cipher.startswith(("ADH-", "AECDH-")) and facts.verified is None and not facts.chain
    with pytest.raises(OptionError):
        shake_hands(asking._replace(verify=True), server)


def test_versions_flags_and_level_are_pinned() -> None:
    context = contexts.context(TlsPolicy())
    assert (context.minimum_version, context.maximum_version) == (
        ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.MAXIMUM_SUPPORTED)  # fmt: skip
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.verify_flags == ssl.VERIFY_X509_TRUSTED_FIRST
    assert context.hostname_checks_common_name is False
    assert context.options & ssl.OP_NO_RENEGOTIATION
    assert not context.options & contexts._LEGACY_SERVER_CONNECT
    assert contexts.context(TlsPolicy(verify=False)).options & contexts._LEGACY_SERVER_CONNECT


# One for each policy, from run to run


class CountingSsl:
    """The ssl module, but that it counts the contexts made."""

    def __init__(self) -> None:
        self.made = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(ssl, name)

    def SSLContext(self, protocol: int) -> ssl.SSLContext:
        self.made += 1
        return ssl.SSLContext(protocol)


@pytest.mark.parametrize(("options", "made"), [
    ({}, 1),
    ({"validate_certs": False}, 2),  # its own, and the judge's
    ({"tls": "opportunistic"}, 2),
])  # fmt: skip
def test_contexts_are_made_once_and_files_looked_at_once_a_run(
    world: World, tmp_path: Any, own_contexts: None, monkeypatch: Any, options: Dict[str, Any], made: int
) -> None:
    counting, stamps, looks = CountingSsl(), contexts._stamps, []
    monkeypatch.setattr(contexts, "ssl", counting)
    monkeypatch.setattr(contexts, "_stamps", lambda policy: looks.append(policy) or stamps(policy))
    with contextlib.ExitStack() as stack:
        relays = [stack.enter_context(running(Relay(server_context(world.leaf("127.0.0.1"), tmp_path))))
                  for _i in range(5)]  # fmt: skip
        for run in (1, 2):
            endpoints = [{"host": "127.0.0.1", "port": relay.port} for relay in relays]
            result = sweep(endpoints=endpoints, ca_path=world.ca_path, details="all", **options)
            assert [one["tls"]["verified"] for one in result["endpoints"]] == [True] * 5
            assert len(looks) == made * run
    assert counting.made == made


class Files(NamedTuple):
    """What a context is made of: the `options` that name it; `path`, of the file that is renewed; `others` go along."""

    options: Dict[str, Any]
    path: Path
    renewed: bytes
    others: Dict[Path, bytes] = {}

    def renew(self) -> None:
        for path, content in {self.path: self.renewed, **self.others}.items():
            write(path, content)

    @property
    def policy(self) -> TlsPolicy:
        return TlsPolicy(**self.options)


clock = itertools.count(1000000000)


def write(path: Path, content: bytes) -> None:
    """In place, and at another time than before, however fast the machine is."""
    path.write_bytes(content)
    moment = next(clock)
    os.utime(str(path), (moment, moment))


def authority_file(world: World, folder: Path, _monkeypatch: Any) -> Files:
    path = folder / "ca.pem"
    write(path, world.root.pem)
    return Files({"ca_path": str(path)}, path, world.root.pem + world.stranger.pem)


def authority_folder(world: World, folder: Path, _monkeypatch: Any) -> Files:
    path = folder / "ca" / "root.pem"
    path.parent.mkdir()
    write(path, world.root.pem)
    return Files({"ca_path": str(path.parent)}, path, world.root.pem + world.stranger.pem)


def system_store(world: World, folder: Path, monkeypatch: Any) -> Files:
    path = folder / "system.pem"
    write(path, world.root.pem)
    (folder / "none").mkdir()
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder / "none"))
    return Files({}, path, world.root.pem + world.stranger.pem)


def client_pair(world: World, folder: Path) -> Tuple[Path, Path, Chain]:
    certificate, key = folder / "client.pem", folder / "client.key"
    old, new = (Chain(issue(world.root, purposes=(CLIENT,))) for _each in range(2))
    write(certificate, old.leaf.pem)
    write(key, old.leaf.key_pem())
    return certificate, key, new


def client_certificate(world: World, folder: Path, _monkeypatch: Any) -> Files:
    certificate, key, new = client_pair(world, folder)
    options = {"ca_path": world.ca_path, "client_cert": str(certificate), "client_key": str(key)}
    return Files(options, certificate, new.leaf.pem, {key: new.leaf.key_pem()})


def client_key(world: World, folder: Path, _monkeypatch: Any) -> Files:
    certificate, key, new = client_pair(world, folder)
    options = {"ca_path": world.ca_path, "client_cert": str(certificate), "client_key": str(key)}
    return Files(options, key, new.leaf.key_pem(), {certificate: new.leaf.pem})


every_kind = pytest.mark.parametrize(
    "kind", [authority_file, authority_folder, system_store, client_certificate, client_key]
)


@every_kind
def test_a_renewed_file_is_read_by_the_next_run(
    world: World, tmp_path: Any, monkeypatch: Any, own_contexts: None, kind: Any
) -> None:
    files = kind(world, tmp_path, monkeypatch)
    assert contexts.prepare(files.policy, 1.0) == []
    before = contexts.context(files.policy)
    files.renew()
    assert contexts.prepare(files.policy, 1.0) == []
    assert contexts.context(files.policy) is before
    assert contexts.prepare(files.policy, 2.0) == []
    after = contexts.context(files.policy)
    assert after is not before
    if "client_cert" not in files.options:
        assert len(after.get_ca_certs()) == len(before.get_ca_certs()) + 1
    assert contexts.prepare(files.policy, 3.0) == []
    assert contexts.context(files.policy) is after


@every_kind
def test_each_file_by_itself_is_noticed(
    world: World, tmp_path: Any, monkeypatch: Any, own_contexts: None, kind: Any
) -> None:
    """By its time, by its size, and by what it is: another file of the same size and time."""
    files = kind(world, tmp_path, monkeypatch)
    content, status = files.path.read_bytes(), os.stat(str(files.path))
    seen = [contexts._stamps(files.policy)]
    write(files.path, content)
    seen.append(contexts._stamps(files.policy))
    files.path.write_bytes(content + b"\n")
    os.utime(str(files.path), ns=(status.st_atime_ns, status.st_mtime_ns))
    seen.append(contexts._stamps(files.policy))
    (tmp_path / "another").write_bytes(content)
    os.utime(str(tmp_path / "another"), ns=(status.st_atime_ns, status.st_mtime_ns))
    os.replace(str(tmp_path / "another"), str(files.path))
    seen.append(contexts._stamps(files.policy))
    assert len(set(seen)) == 4


def test_a_client_certificate_that_was_renewed_is_shown(
    world: World, tmp_path: Any, monkeypatch: Any, demanding: ssl.SSLContext, own_contexts: None
) -> None:
    files = client_certificate(world, tmp_path, monkeypatch)
    shown = []
    for run in (1.0, 2.0):
        contexts.prepare(files.policy, run)
        shown.append(shake_hands(files.policy, demanding).relay.getpeercert()["serialNumber"])
        files.renew()
    assert shown[0] != shown[1]


def remove(path: Path) -> None:
    path.unlink()


def truncate(path: Path) -> None:
    write(path, b"")


def halve(path: Path) -> None:
    content = path.read_bytes()
    write(path, content[: len(content) // 2])


@every_kind
@pytest.mark.parametrize("spoil", [remove, truncate, halve])
def test_a_file_that_is_spoilt_in_mid_sweep_spoils_no_check(
    world: World, tmp_path: Any, monkeypatch: Any, own_contexts: None, kind: Any, spoil: Any
) -> None:
    """The sweep goes on with what it has read; the next ones say what is wrong, until it is mended."""
    files = kind(world, tmp_path, monkeypatch)
    good = files.path.read_bytes()
    server = server_context(world.leaf("127.0.0.1"), tmp_path)
    server.load_verify_locations(world.ca_path)
    server.verify_mode = ssl.CERT_REQUIRED if "client_cert" in files.options else ssl.CERT_NONE
    with contextlib.ExitStack() as stack:
        relays = [stack.enter_context(running(Relay(server))) for _each in range(3)]
        endpoints = [{"host": "127.0.0.1", "port": relay.port, "survey": relay is relays[2]} for relay in relays]

        def swept(on_report: Any = None) -> List[str]:
            result = sweep(
                endpoints=endpoints, details="all", concurrency=1, connections_per_relay=1, on_report=on_report,
                **files.options,
            )  # fmt: skip
            assert [one["verdict"] for one in result["endpoints"]] == ["passed"] * 3
            assert all(one["tls"]["verified"] for one in result["endpoints"])
            surveyed = result["endpoints"][2]["survey"]
            assert (surveyed["versions"]["TLSv1.2"], surveyed["versions"]["TLSv1.3"]) == ("accepted", "accepted")
            return list(result["warnings"])

        spoilt: List[int] = []

        def spoil_once(_report: Any) -> None:
            if not spoilt:
                spoil(files.path)
            spoilt.append(1)

        assert swept(spoil_once) == []
        for _again in range(2):
            (warning,) = swept()
            assert "What was read before is used instead." in warning
            assert "system" in warning if kind is system_store else str(files.path.parent) in warning
        write(files.path, good)
        assert swept() == []


def test_what_was_never_good_is_refused_again_and_again(world: World, tmp_path: Any, own_contexts: None) -> None:
    path = tmp_path / "ca.pem"
    halve_of = world.root.pem[: len(world.root.pem) // 2]
    for content in (b"", halve_of, world.root.pem + halve_of):
        path.write_bytes(content)
        for run in (1.0, 1.0, 2.0):
            with pytest.raises(OptionError) as error:
                contexts.prepare(TlsPolicy(str(path)), run)
            assert error.value.option == "ca_path"
    path.write_bytes(world.root.pem)
    assert contexts.prepare(TlsPolicy(str(path)), 2.0) == []


def test_a_host_without_authorities_may_check_all_the_same(
    world: World, tmp_path: Any, monkeypatch: Any, own_contexts: None
) -> None:
    system_store(world, tmp_path, monkeypatch).path.write_bytes(b"")
    assert contexts.prepare(TlsPolicy(), 1.0) == []


def test_of_a_policy_one_context_is_held(world: World, tmp_path: Any, monkeypatch: Any, own_contexts: None) -> None:
    """However often it is renewed, and though the judge has used it."""
    files = client_certificate(world, tmp_path, monkeypatch)
    authorities = authority_file(world, tmp_path, monkeypatch)
    policy = files.policy._replace(ca_path=authorities.options["ca_path"], verify=False)
    chain, superseded = world.leaf().ders, []
    for run in range(10):
        contexts.prepare(policy, float(run))
        assert judge(chain, NAME, policy) is None
        superseded += [weakref.ref(held.context) for held in contexts._held.values()]
        files.renew()
        authorities.renew()
    gc.collect()
    assert len(contexts._held) == 2  # the policy's own and the judge's
    assert sum(context() is not None for context in superseded) == 2


def test_of_policies_that_are_no_longer_used_some_are_held(own_contexts: None) -> None:
    """Those of a run are, however many: none is made anew while it lasts."""
    policies = [TlsPolicy(ciphers="ECDHE+AESGCM" + ":AES128-SHA" * number, verify=False) for number in range(50)]

    def prepared(policy: TlsPolicy, run: float) -> ssl.SSLContext:
        contexts.prepare(policy, run)
        return contexts._held[policy].context

    of_one_run = [prepared(policy, 1.0) for policy in policies]
    assert [contexts.context(policy) for policy in policies] == of_one_run
    for run, policy in enumerate(reversed(policies), 2):
        prepared(policy, float(run))
        assert len(contexts._held) == contexts._MOST_HELD
    assert policies[0] in contexts._held and policies[-1] not in contexts._held


# Files and lists that cannot be used


def test_the_files_of_a_client_certificate(world: World, tmp_path: Any, monkeypatch: Any) -> None:
    """None of them lets OpenSSL ask for a password on the terminal."""
    monkeypatch.setattr("builtins.input", lambda *_prompt: pytest.fail("somebody is asked"))
    (tmp_path / "other").mkdir()
    certificate, key = Chain(issue(world.root)).files(tmp_path, password=b"correct horse")
    other_key = Chain(issue(world.root)).files(tmp_path / "other")[1]
    missing, empty = str(tmp_path / "missing.pem"), tmp_path / "empty.pem"
    empty.write_bytes(b"")
    build_request(NAME, {"client_cert": certificate, "client_key": key, "client_key_password": "correct horse"}, 0.0)
    for password in ({}, {"client_key_password": ""}, {"client_key_password": "battery staple"}):
        text = refused("client_cert", client_cert=certificate, client_key=key, **password)
        assert "client_key_password" in text
        assert "staple" not in text
    assert "usable pair" in refused("client_cert", client_cert=certificate, client_key=other_key)
    assert "usable pair" in refused("client_cert", client_cert=str(empty))
    assert "usable pair" in refused("client_cert", client_cert=other_key)
    assert "No such file" in refused("client_cert", client_cert=missing)
    assert "No such file" in refused("client_key", client_cert=certificate, client_key=missing)
    assert "No such file" in refused("client_cert", client_cert=missing, client_key=key)
    assert "client_cert" in refused("client_key", client_key=key)


def test_a_client_certificate_that_goes_between_two_looks(world: World, tmp_path: Any, monkeypatch: Any) -> None:
    """OpenSSL reads the file once more, and says no more than that it could not."""
    certificate, key = Chain(issue(world.root)).files(tmp_path)

    def load_cert_chain(*_given: Any) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", load_cert_chain)
    assert "No such file" in refused("client_cert", client_cert=certificate, client_key=key)


def test_ciphers_and_versions_that_make_no_sense() -> None:
    assert "openssl ciphers" in refused("tls_ciphers", tls_ciphers="NONSENSE")
    assert "openssl ciphers" in refused("tls_ciphers", tls_ciphers="ALL@SECLEVEL=x")
    assert "tls_min_version" in refused("tls_max_version", tls_min_version="TLSv1.3", tls_max_version="TLSv1.2")
