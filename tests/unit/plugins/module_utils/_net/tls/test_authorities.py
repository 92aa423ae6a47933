# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Files of authorities, in the forms that distributions and tools write them: what OpenSSL says of each by itself is what
# a check says, and what the judge says.

from __future__ import annotations

import datetime
import ssl
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.judging import cause_of, judge
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.model import TlsFailure, TlsPolicy
from ansible_collections.postmaster.mailcheck.tests.support.chains import NAME, new_key, server_context
from ansible_collections.postmaster.mailcheck.tests.support.der import (
    ANY_PURPOSE,
    EMAIL,
    SERVER_AUTH,
    block,
    trusted_block,
)
from ansible_collections.postmaster.mailcheck.tests.support.handshake import World, refused, shake_hands

if TYPE_CHECKING:
    from typing import Any, Callable


def keys(identity: Any) -> bytes:
    """A private key in every form that files of certificates are found to hold."""
    rsa, passphrase = new_key("RSA-2048"), serialization.BestAvailableEncryption(b"secret")
    form, pem = serialization.PrivateFormat, serialization.Encoding.PEM
    return b"".join((
        identity.key_pem(), identity.key_pem(b"secret"),
        identity.key.private_bytes(pem, form.TraditionalOpenSSL, serialization.NoEncryption()),
        rsa.private_bytes(pem, form.TraditionalOpenSSL, serialization.NoEncryption()),
        rsa.private_bytes(pem, form.TraditionalOpenSSL, passphrase),
        rsa.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo),
    ))  # fmt: skip


def revocation_list(world: World) -> bytes:
    now = datetime.datetime.now(datetime.timezone.utc)
    builder = x509.CertificateRevocationListBuilder().issuer_name(world.root.certificate.subject)
    builder = builder.last_update(now).next_update(now + datetime.timedelta(days=1))
    return builder.sign(world.root.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


class Form(NamedTuple):
    """A file of authorities. `verdict`: of a leaf by the root that it holds; None where that is verified."""

    label: str
    content: Callable[[World], bytes]
    verdict: Any = None


FORMS = [
    Form("certificates one after another (Debian, Alpine)", lambda w: w.stranger.pem + w.root.pem + w.rsa_root.pem),
    Form("a name above each (Fedora)", lambda w: b"\n# Strange\n" + w.stranger.pem + b"\n# R\xc3\xbcgen\n" + w.root.pem),
    Form("a name and a rule (curl)",
         lambda w: b"##\n## Bundle of CA Root Certificates\n##\n\nRoot\n====\n" + w.root.pem),
    Form("names, numbers and fingerprints (certifi)",
         lambda w: b"\n# Issuer: CN=Root O=Root\n# Label: \"Root\"\n# Serial: 1\n# SHA1 Fingerprint: 00:01\n" + w.root.pem),
    Form("as text as well (FreeBSD, OpenBSD, `openssl x509 -text`)",
         lambda w: b"### Root\n\nCertificate:\n    Data:\n        Version: 3 (0x2)\n    Signature Value:\n        30:45\n"
         + w.root.pem),
    Form("attributes (`openssl pkcs12`)", lambda w: b"Bag Attributes\n    localKeyID: 01\nsubject=CN = Root\n" + w.root.pem),
    Form("chains (`openssl s_client -showcerts`)", lambda w: b" 0 s:CN = Root\n   i:CN = Root\n" + w.root.pem + b"---\n"),
    Form("p11-kit's own", lambda w: b"[p11-kit-object-v1]\nlabel: \"Root\"\ntrusted: true\n" + w.root.pem),
    Form("line ends of Windows", lambda w: (b"Root\n" + w.root.pem).replace(b"\n", b"\r\n")),
    Form("no last line end", lambda w: w.root.pem.rstrip()),
    Form("a long line above", lambda w: b"#" * 5000 + b"\n" + w.root.pem),
    Form("X509 CERTIFICATE", lambda w: block("X509 CERTIFICATE", w.root.der)),
    Form("beside a revocation list", lambda w: revocation_list(w) + w.root.pem),
    Form("beside keys of all kinds", lambda w: keys(w.root) + w.root.pem + keys(w.stranger)),
    Form("beside what is none of OpenSSL's business",
         lambda w: block("PKCS7", b"0") + block("CERTIFICATE REQUEST", b"0") + block("DH PARAMETERS", b"0") + w.root.pem),
    Form("TRUSTED CERTIFICATE without settings", lambda w: trusted_block(w.root)),
    Form("TRUSTED CERTIFICATE with a name only", lambda w: trusted_block(w.root, alias="Root")),
    Form("trusted for servers (Fedora's ca-bundle.trust.crt)",
         lambda w: b"# Root\n" + trusted_block(w.root, (EMAIL, SERVER_AUTH), alias="Root")),
    Form("rejected for mail", lambda w: trusted_block(w.root, (SERVER_AUTH,), (EMAIL,))),
    Form("rejected for servers", lambda w: trusted_block(w.root, (), (SERVER_AUTH,)), "certificate_rejected"),
    Form("rejected for servers, trusted for mail",
         lambda w: trusted_block(w.root, (EMAIL,), (SERVER_AUTH,), "Root"), "certificate_rejected"),
    Form("trusted for mail", lambda w: trusted_block(w.root, (EMAIL,)), "certificate_rejected"),
    Form("rejected for everything", lambda w: trusted_block(w.root, (), (ANY_PURPOSE,)), "certificate_rejected"),
    Form("rejected first, then as it is",
         lambda w: trusted_block(w.root, (), (SERVER_AUTH,)) + w.root.pem, "certificate_rejected"),
    Form("rejected, beside a stranger in plain",
         lambda w: w.stranger.pem + trusted_block(w.root, (), (SERVER_AUTH,)), "certificate_rejected"),
    Form("a stranger, trusted", lambda w: trusted_block(w.stranger, (SERVER_AUTH,)), "certificate_issuer_not_found"),
    Form("in another's block", lambda w: block("PKCS7", b"0") + block("CERTIFICATES", w.root.der), "refused"),
    Form("as text alone", lambda w: w.root.pem.replace(b"-----BEGIN", b"    -----BEGIN"), "refused"),
    Form("cut off", lambda w: w.stranger.pem + w.root.pem[:-40], "refused"),
]  # fmt: skip


def verdict_of_openssl(path: str, server: ssl.SSLContext) -> Any:
    """What Python and OpenSSL say by themselves, of the file and of the relay."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        client.load_verify_locations(path)
    except ssl.SSLError:
        return "refused"
    (to_relay, to_client) = ssl.MemoryBIO(), ssl.MemoryBIO()
    relay = server.wrap_bio(to_relay, to_client, server_side=True)
    ours = client.wrap_bio(to_client, to_relay, server_hostname=NAME)
    while True:
        for side in (ours, relay):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return cause_of(error)
            if side is ours:
                return None


def our_verdict(path: str, server: ssl.SSLContext) -> Any:
    try:
        shake_hands(TlsPolicy(path), server)
    except TlsFailure as failure:
        return failure.cause
    except OptionError as error:
        assert error.option == "ca_path"
        return "refused"
    return None


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.label)
def test_files_of_authorities_mean_what_openssl_says(world: World, tmp_path: Any, form: Form) -> None:
    chain, folder = world.leaf(), tmp_path / "folder"
    server = server_context(chain, tmp_path)
    folder.mkdir()
    path = folder / "authorities.pem"
    path.write_bytes(form.content(world))
    assert verdict_of_openssl(str(path), server) == form.verdict
    assert our_verdict(str(path), server) == our_verdict(str(folder), server) == form.verdict
    if form.verdict != "refused":
        assert judge(chain.ders, NAME, TlsPolicy(str(path))) == form.verdict


def test_authorities(world: World, tmp_path: Any) -> None:
    chain, folder = world.leaf(), tmp_path / "folder"
    server = server_context(chain, tmp_path)
    folder.mkdir()
    (folder / "sub").mkdir()
    (folder / "README").write_text("not \u00e9 certificate", encoding="utf-8")
    (folder / "a.pem").write_bytes(world.stranger.pem)
    (folder / "b.crt").write_bytes(b"A comment.\n" + world.root.key_pem() + world.root.pem)
    assert shake_hands(TlsPolicy(str(folder)), server).facts.verified is True
    for name, content in (("empty", b""), ("text", b"hello"), ("key", world.root.key_pem()), ("der", world.root.der)):
        (tmp_path / name).write_bytes(content)
        assert "holds no certificate" in refused("ca_path", ca_path=str(tmp_path / name))
    (tmp_path / "broken").write_bytes(world.root.pem[:100] + world.root.pem[130:])
    assert "cannot be read" in refused("ca_path", ca_path=str(tmp_path / "broken"))
    assert "No such file" in refused("ca_path", ca_path=str(tmp_path / "missing"))
    assert "holds no certificate" in refused("ca_path", ca_path=str(folder / "sub"))
    other = tmp_path / "other"
    other.mkdir()
    (other / "a.pem").write_bytes(world.root.pem)
    (other / "b.pem").write_bytes(world.root.pem[:-30])
    assert "b.pem: holds" in refused("ca_path", ca_path=str(other))
