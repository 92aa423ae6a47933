# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# A certificate's DER in, facts out.
#
# der.py splits octets into elements. Here all functions walk a fixed path (certificate, names, key, three extensions),
# so nothing recurses, and no octet is looked at more often than that path is deep. What is not reported is not judged:
# trust is OpenSSL's business. Octets that do not fit are a CertificateError; text that does not decode is shown as
# escapes.

from __future__ import annotations

import hashlib
import ipaddress
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from ..text import printable
from .der import CertificateError, Element, children_of, content_of, dotted_oid, only

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

# OpenSSL's clients take no chain above 100 KiB unless told otherwise.
MAX_CERTIFICATE_OCTETS = 262144

_INTEGER, _BIT_STRING, _OCTET_STRING, _OID, _SEQUENCE, _SET = 0x02, 0x03, 0x04, 0x06, 0x30, 0x31
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
# UTF8String, NumericString, PrintableString, TeletexString, IA5String, VisibleString
_TELETEX = 0x14
_CHARSETS = dict.fromkeys((0x0C, 0x12, 0x13, _TELETEX, 0x16, 0x1A), "utf-8")
_CHARSETS.update({0x1C: "utf-32-be", 0x1E: "utf-16-be"})  # UniversalString, BMPString

_SUBJECT_KEY_ID, _SUBJECT_ALT_NAME, _AUTHORITY_KEY_ID = b"\x55\x1d\x0e", b"\x55\x1d\x11", b"\x55\x1d\x23"
_AUTHORITY_INFO_ACCESS, _CA_ISSUERS = b"\x2b\x06\x01\x05\x05\x07\x01\x01", b"\x2b\x06\x01\x05\x05\x07\x30\x02"

# RFC 4514 3: the types that have a short name; others appear as dotted object identifiers.
_COMMON_NAME = "2.5.4.3"
_ATTRIBUTES = {
    _COMMON_NAME: "CN", "2.5.4.7": "L", "2.5.4.8": "ST", "2.5.4.10": "O", "2.5.4.11": "OU", "2.5.4.6": "C",
    "2.5.4.9": "STREET", "0.9.2342.19200300.100.1.25": "DC", "0.9.2342.19200300.100.1.1": "UID",
}  # fmt: skip
_TO_ESCAPE = re.compile(r'[\\"+,;<>]|^[ #]| \Z')  # RFC 4514 2.4

_RSA, _RSA_PSS, _EC = "1.2.840.113549.1.1.1", "1.2.840.113549.1.1.10", "1.2.840.10045.2.1"
_ED25519, _ED448 = "1.3.101.112", "1.3.101.113"
_ML_DSA = {
    "2.16.840.1.101.3.4.3.17": "ML-DSA-44", "2.16.840.1.101.3.4.3.18": "ML-DSA-65",
    "2.16.840.1.101.3.4.3.19": "ML-DSA-87",
}  # fmt: skip
_KEYS = {_RSA: "RSA", _RSA_PSS: "RSA-PSS", _EC: "EC", _ED25519: "Ed25519", _ED448: "Ed448", **_ML_DSA}
_KEY_BITS = {_ED25519: 256, _ED448: 456}
_CURVE_BITS = {
    "1.2.840.10045.3.1.1": 192, "1.3.132.0.33": 224, "1.2.840.10045.3.1.7": 256, "1.3.132.0.34": 384,
    "1.3.132.0.35": 521, "1.3.132.0.10": 256, "1.3.36.3.3.2.8.1.1.7": 256, "1.3.36.3.3.2.8.1.1.11": 384,
    "1.3.36.3.3.2.8.1.1.13": 512,
}  # fmt: skip
_SIGNATURES = {
    "1.2.840.113549.1.1.4": "md5WithRSAEncryption", "1.2.840.113549.1.1.5": "sha1WithRSAEncryption",
    "1.2.840.113549.1.1.14": "sha224WithRSAEncryption", "1.2.840.113549.1.1.11": "sha256WithRSAEncryption",
    "1.2.840.113549.1.1.12": "sha384WithRSAEncryption", "1.2.840.113549.1.1.13": "sha512WithRSAEncryption",
    "1.2.840.10045.4.1": "ecdsa-with-SHA1", "1.2.840.10045.4.3.1": "ecdsa-with-SHA224",
    "1.2.840.10045.4.3.2": "ecdsa-with-SHA256", "1.2.840.10045.4.3.3": "ecdsa-with-SHA384",
    "1.2.840.10045.4.3.4": "ecdsa-with-SHA512",
    _RSA_PSS: "RSASSA-PSS", _ED25519: "ED25519", _ED448: "ED448", **_ML_DSA,
}  # fmt: skip

# RFC 5280 4.2.1.6, by tag: the kinds that are text, and those of which only the octets are shown.
_TEXT_NAMES = {0x81: "email", 0x82: "DNS", 0x86: "URI"}
_OPAQUE_NAMES = {0xA3: "x400Address", 0xA5: "ediPartyName"}


class PublicKey(NamedTuple):
    """The key a certificate is for."""

    algorithm: str  # RSA, RSA-PSS, EC, Ed25519, Ed448, ML-DSA-65 …; unknown: dotted object identifier
    bits: Optional[int]


class Certificate(NamedTuple):
    """What one certificate says. Text is printable; times are UTC, as ISO 8601 and as seconds since 1970."""

    subject: str  # RFC 4514: "CN=relay.example.com,O=Example"
    issuer: str
    serial_number: str  # whole octets in upper-case hexadecimal, as OpenSSL shows it
    not_before: str
    not_after: str
    not_before_timestamp: int
    not_after_timestamp: int
    subject_alt_names: Tuple[str, ...]  # "DNS:relay.example.com", "IP:192.0.2.1", in the certificate's order
    common_names: Tuple[str, ...]
    public_key: PublicKey
    signature_algorithm: str
    sha256_fingerprint: str  # lower-case hexadecimal, of the whole
    public_key_sha256: str  # of the SubjectPublicKeyInfo, as in a TLSA 3 1 1 record (RFC 6698 2.1)
    self_signed: bool  # its own issuer by name, and by key identifiers where given; no signature is checked
    issuer_url: Optional[str] = None  # where its issuer's certificate is published (RFC 5280 4.2.2.1)


def read_certificate(der: bytes) -> Certificate:
    """Return what one DER certificate says (RFC 5280 4.1). Raises CertificateError and nothing else."""
    if len(der) > MAX_CERTIFICATE_OCTETS:
        raise CertificateError("a certificate is longer than %d octets" % MAX_CERTIFICATE_OCTETS)
    body, signature, _bits = children_of(only(der), _SEQUENCE, 3)
    fields = children_of(body, _SEQUENCE, *range(6, 11))
    if fields[0].tag == 0xA0:  # the version
        del fields[0]
    if len(fields) < 6:
        raise CertificateError("a certificate's field is missing")
    serial, _algorithm, issuer, validity, subject, key = fields[:6]
    not_before, not_after = [_time(element) for element in children_of(validity, _SEQUENCE, 2)]
    extensions = _extensions(fields[6:])
    issuer_text, _names = _name(issuer)
    subject_text, common_names = _name(subject)
    signature_algorithm = dotted_oid(children_of(signature, _SEQUENCE, 1, 2)[0])
    return Certificate(
        subject=subject_text,
        issuer=issuer_text,
        serial_number=_hexadecimal(serial),
        not_before=not_before.isoformat() + "Z",
        not_after=not_after.isoformat() + "Z",
        not_before_timestamp=_timestamp(not_before),
        not_after_timestamp=_timestamp(not_after),
        subject_alt_names=_subject_alt_names(extensions),
        common_names=common_names,
        public_key=read_public_key(key),
        signature_algorithm=_SIGNATURES.get(signature_algorithm, signature_algorithm),
        sha256_fingerprint=hashlib.sha256(der).hexdigest(),
        public_key_sha256=hashlib.sha256(key.whole).hexdigest(),
        self_signed=issuer.whole == subject.whole and _key_ids_agree(extensions),
        issuer_url=_issuer_url(extensions),
    )


def certificate_facts(certificate: Certificate, now: float) -> Dict[str, Any]:
    """Return the report's form of a certificate, with `days_left` from `now`."""
    facts = certificate._asdict()
    for name in ("common_names", "not_before_timestamp", "not_after_timestamp", "issuer_url"):
        del facts[name]
    facts["days_left"] = days_left(certificate, now)
    facts["subject_alt_names"] = list(certificate.subject_alt_names)
    facts["public_key"] = certificate.public_key._asdict()
    return facts


def days_left(certificate: Certificate, now: float) -> int:
    """Return the whole days from `now` to the end of validity; once expired those since, below 0 from the first on."""
    seconds = certificate.not_after_timestamp - now
    return int(seconds / 86400) if seconds >= 0 else min(-1, int(seconds / 86400))


def _hexadecimal(element: Element) -> str:
    """Return an INTEGER (two's complement) as sign and whole octets."""
    value = int.from_bytes(content_of(element, _INTEGER), "big", signed=True)
    digits = "%X" % abs(value)
    return "-" * (value < 0) + "0" * (len(digits) % 2) + digits


def _time(element: Element) -> datetime:
    """Return a date of the validity period (RFC 5280 4.1.2.5)."""
    digits = element.content
    if element.tag == _UTC_TIME and re.fullmatch(rb"[0-9]{12}Z", digits):
        digits = (b"19" if digits >= b"50" else b"20") + digits
    elif element.tag != _GENERALIZED_TIME or not re.fullmatch(rb"[0-9]{14}Z", digits):
        raise CertificateError("a date of the validity period is malformed")
    month, day, hour, minute, second = [int(digits[at : at + 2]) for at in range(4, 14, 2)]
    try:
        return datetime(int(digits[:4]), month, day, hour, minute, second)
    except ValueError:
        raise CertificateError("a date of the validity period does not exist") from None


def _timestamp(moment: datetime) -> int:
    return (moment - datetime(1970, 1, 1)) // timedelta(seconds=1)


def _text(element: Element) -> Optional[str]:
    """Return the text of a character string, not yet printable, or None for any other type."""
    charset = _CHARSETS.get(element.tag)
    if charset is None:
        return None
    try:
        return element.content.decode(charset)
    except UnicodeDecodeError:
        # What calls itself Teletex is Latin-1 nearly everywhere, OpenSSL's reading included.
        return element.content.decode("latin-1" if element.tag == _TELETEX else charset, "backslashreplace")


def _name(name: Element) -> Tuple[str, Tuple[str, ...]]:
    """Return a distinguished name as an RFC 4514 string, and its common names."""
    shown: List[str] = []
    common_names: List[str] = []
    for rdn in children_of(name, _SEQUENCE):
        parts: List[str] = []
        for attribute in children_of(rdn, _SET):
            kind, value = children_of(attribute, _SEQUENCE, 2)
            oid, text = dotted_oid(kind), _text(value)
            if text is None:
                escaped = "#" + value.whole.hex()
            else:
                escaped = printable(_TO_ESCAPE.sub(r"\\\g<0>", text).replace("\0", "\\00"))
            parts.append("%s=%s" % (_ATTRIBUTES.get(oid, oid), escaped))
            if oid == _COMMON_NAME and text is not None:
                common_names.append(printable(text))
        shown.append("+".join(parts))
    return ",".join(reversed(shown)), tuple(common_names)


def read_public_key(key: Element) -> PublicKey:
    """Return algorithm and size of a SubjectPublicKeyInfo (RFC 5280 4.1.2.7, RFC 3279 2.3, RFC 5480)."""
    identifier, bits = children_of(key, _SEQUENCE, 2)
    algorithm, *parameters = children_of(identifier, _SEQUENCE, 1, 2)
    oid = dotted_oid(algorithm)
    size = _KEY_BITS.get(oid)
    if oid in (_RSA, _RSA_PSS):
        # The first octet of a BIT STRING counts the unused bits of its last.
        modulus, _exponent = children_of(only(content_of(bits, _BIT_STRING)[1:]), _SEQUENCE, 2)
        size = int.from_bytes(content_of(modulus, _INTEGER), "big").bit_length()
    elif oid == _EC and parameters and parameters[0].tag == _OID:
        size = _CURVE_BITS.get(dotted_oid(parameters[0]))
    return PublicKey(_KEYS.get(oid, oid), size)


def _extensions(fields: List[Element]) -> Dict[bytes, bytes]:
    """Return what the extensions hold by their encoded object identifiers (RFC 5280 4.2)."""
    extensions: Dict[bytes, bytes] = {}
    for sequence in [only(field.content) for field in fields if field.tag == 0xA3]:
        for extension in children_of(sequence, _SEQUENCE):
            kind, *_critical, value = children_of(extension, _SEQUENCE, 2, 3)
            if kind.content in extensions:
                raise CertificateError("an extension is present twice")
            extensions[kind.content] = content_of(value, _OCTET_STRING)
    return extensions


def _key_ids_agree(extensions: Dict[bytes, bytes]) -> bool:
    """Return whether subject and authority key identifier are equal or not both there (RFC 5280 4.2.1)."""
    if _SUBJECT_KEY_ID not in extensions or _AUTHORITY_KEY_ID not in extensions:
        return True
    own = content_of(only(extensions[_SUBJECT_KEY_ID]), _OCTET_STRING)
    authority = children_of(only(extensions[_AUTHORITY_KEY_ID]), _SEQUENCE)
    return all(part.content == own for part in authority if part.tag == 0x80)


def _issuer_url(extensions: Dict[bytes, bytes]) -> Optional[str]:
    """Return where the issuer's certificate is to be had. It is a remark: one that cannot be read spoils nothing."""
    try:
        for access in children_of(only(extensions.get(_AUTHORITY_INFO_ACCESS, b"")), _SEQUENCE):
            method, place = children_of(access, _SEQUENCE, 2)
            if method.content == _CA_ISSUERS and place.tag == 0x86:
                return _general_name(place)[len("URI:") :]
    except CertificateError:
        pass
    return None


def _subject_alt_names(extensions: Dict[bytes, bytes]) -> Tuple[str, ...]:
    if _SUBJECT_ALT_NAME not in extensions:
        return ()
    names = children_of(only(extensions[_SUBJECT_ALT_NAME]), _SEQUENCE)
    return tuple(_general_name(name) for name in names)


def _general_name(name: Element) -> str:
    """Return a GeneralName (RFC 5280 4.2.1.6) as "kind:value"."""
    tag, content = name.tag, name.content
    if tag in _TEXT_NAMES:
        return "%s:%s" % (_TEXT_NAMES[tag], printable(content.decode("ascii", "backslashreplace")))
    if tag == 0x87:
        return "IP:%s" % (ipaddress.ip_address(content) if len(content) in (4, 16) else "#" + content.hex())
    if tag == 0x88:
        return "RID:%s" % dotted_oid(name, tag)
    if tag == 0xA4:
        return "dirName:%s" % _name(only(content))[0]
    if tag == 0xA0:
        kind, explicit = children_of(name, tag, 2)
        value = only(content_of(explicit, 0xA0))
        text = _text(value)
        shown = "#" + value.whole.hex() if text is None else printable(text)
        return "otherName:%s:%s" % (dotted_oid(kind), shown)
    if tag in _OPAQUE_NAMES:
        return "%s:#%s" % (_OPAQUE_NAMES[tag], content.hex())
    raise CertificateError("a subject alternative name is of an unknown kind")
