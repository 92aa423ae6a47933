# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: the certificate that the sink shows: files of the caller's, or one that is made for the occasion.

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError

if TYPE_CHECKING:
    from typing import Optional, Tuple

MADE = ("self-signed", "expired")
_MISSING = (
    "is to be made, for which the Python package cryptography is needed: install it, give the paths of a certificate "
    "and of its key, or do without TLS."
)


def context_for(certificate: str, key: Optional[str], name: str) -> ssl.SSLContext:
    """Return the context of a server that shows this certificate: a path, or one of MADE. Raises OptionError.

    `key` is the path of its key, where that is not in the same file. `name` is what a made one is for.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    if certificate in MADE:
        _load_made(context, _made(name, certificate == "expired"))
        return context
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ssl.SSLError, ValueError) as error:
        text = "cannot be used, with its key, by OpenSSL: %s."
        raise OptionError("certificate", text % (getattr(error, "strerror", None) or error)) from None
    return context


def _no_password() -> str:
    raise ValueError("its key is encrypted")


def _load_made(context: ssl.SSLContext, pems: Tuple[bytes, bytes]) -> None:
    """OpenSSL reads files only: this one is gone before anybody connects."""
    import os
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="mailcheck-sink-")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(b"".join(pems))
        context.load_cert_chain(path)
    finally:
        os.unlink(path)


def _made(name: str, expired: bool) -> Tuple[bytes, bytes]:
    """Return certificate and key as PEM: signed by itself, good for a month, or since yesterday no more."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
    except ImportError:
        raise OptionError("certificate", _MISSING) from None
    import datetime

    now, day = datetime.datetime.now(datetime.timezone.utc), datetime.timedelta(days=1)
    begins, ends = (now - 31 * day, now - day) if expired else (now - day, now + 30 * day)
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    how = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    return certificate.public_bytes(pem), key.private_bytes(pem, *how)
