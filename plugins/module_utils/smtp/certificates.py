# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private to the collection. A certificate's DER in, facts out; and whether its names cover a host.
#
# One function splits bytes into elements and checks every length against the bytes at hand. All others walk a
# fixed path (certificate, names, key, three extensions), so nothing recurses, and no octet is looked at more
# often than that path is deep. What is not reported is not judged: trust is OpenSSL's business. Bytes that do
# not fit are a CertificateError; text that does not decode is shown as escapes.

from __future__ import annotations

import hashlib
import ipaddress
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from .replies import printable

if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Tuple

# OpenSSL's clients take no chain above 100 KiB unless told otherwise.
MAX_CERTIFICATE_OCTETS = 262144
MAX_ELEMENTS = 16384  # in one SEQUENCE or SET
MAX_OID_OCTETS = 64

_INTEGER, _BIT_STRING, _OCTET_STRING, _OID, _SEQUENCE, _SET = 0x02, 0x03, 0x04, 0x06, 0x30, 0x31
_UTC_TIME, _GENERALIZED_TIME = 0x17, 0x18
# UTF8String, NumericString, PrintableString, TeletexString, IA5String, VisibleString
_TELETEX = 0x14
_CHARSETS = dict.fromkeys((0x0C, 0x12, 0x13, _TELETEX, 0x16, 0x1A), "utf-8")
_CHARSETS.update({0x1C: "utf-32-be", 0x1E: "utf-16-be"})  # UniversalString, BMPString

_SUBJECT_KEY_ID, _SUBJECT_ALT_NAME, _AUTHORITY_KEY_ID = b"\x55\x1d\x0e", b"\x55\x1d\x11", b"\x55\x1d\x23"

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

_BRACKETED = re.compile(r"^\[(?:ipv6:)?(.*)\]\Z")
# A name the DNS is asked for. One that ends in a number is an address in some spelling of inet_aton()'s.
_HOST_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*(?!(?:[0-9]+|0x[0-9a-f]*)$)[a-z0-9_-]{1,63}")


class CertificateError(ValueError):
    """The bytes are not a certificate as RFC 5280 4.1 defines it; `str()` says how."""


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


class _Element(NamedTuple):
    tag: int
    whole: bytes
    content: bytes


def read_certificate(der: bytes) -> Certificate:
    """Return what one DER certificate says (RFC 5280 4.1). Raises CertificateError and nothing else."""
    if len(der) > MAX_CERTIFICATE_OCTETS:
        raise CertificateError("a certificate is longer than %d octets" % MAX_CERTIFICATE_OCTETS)
    body, signature, _bits = _children(_only(der), _SEQUENCE, 3)
    fields = _children(body, _SEQUENCE, *range(6, 11))
    if fields[0].tag == 0xA0:  # the version
        del fields[0]
    if len(fields) < 6:
        raise CertificateError("a certificate's field is missing")
    serial, _algorithm, issuer, validity, subject, key = fields[:6]
    not_before, not_after = [_time(element) for element in _children(validity, _SEQUENCE, 2)]
    extensions = _extensions(fields[6:])
    issuer_text, _names = _name(issuer)
    subject_text, common_names = _name(subject)
    signature_algorithm = _oid(_children(signature, _SEQUENCE, 1, 2)[0])
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
        public_key=_public_key(key),
        signature_algorithm=_SIGNATURES.get(signature_algorithm, signature_algorithm),
        sha256_fingerprint=hashlib.sha256(der).hexdigest(),
        public_key_sha256=hashlib.sha256(key.whole).hexdigest(),
        self_signed=issuer.whole == subject.whole and _key_ids_agree(extensions),
    )


def certificate_facts(certificate: Certificate, now: float) -> Dict[str, Any]:
    """Return the report's form of a certificate. `days_left`: whole days from `now`, below 0 once expired."""
    facts = certificate._asdict()
    for name in ("common_names", "not_before_timestamp", "not_after_timestamp"):
        del facts[name]
    facts["days_left"] = int((certificate.not_after_timestamp - now) // 86400)
    facts["subject_alt_names"] = list(certificate.subject_alt_names)
    facts["public_key"] = certificate.public_key._asdict()
    return facts


def names_match(certificate: Certificate, host: str) -> bool:
    """Return whether a subject alternative name covers a name or an address (RFC 9525 6; never a CN)."""
    if len(host) > 255:
        return False
    if not host.isascii():
        try:
            # The form that getaddrinfo() and the server name indication use, so the one to be certified.
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return False
    host = host.lower()
    address = _BRACKETED.sub(r"\1", host).partition("%")[0]  # the zone of a link-local address is ours alone
    try:
        return "IP:%s" % ipaddress.ip_address(address) in certificate.subject_alt_names
    except ValueError:
        name = _without_dot(host)
    if not _HOST_NAME.fullmatch(name):
        return False
    accepted = {name}
    parent = name.partition(".")[2]
    if "." in parent:  # no wildcard for a whole top-level domain: OpenSSL's verdict and this one agree
        accepted.add("*." + parent)
    presented = [text[4:] for text in certificate.subject_alt_names if text.startswith("DNS:")]
    return any(_without_dot(pattern.lower()) in accepted for pattern in presented)


def common_name_matches(certificate: Certificate, host: str) -> bool:
    """Return whether a common name would cover the host, if common names counted."""
    names = tuple(kind + name for name in certificate.common_names for kind in ("DNS:", "IP:"))
    return names_match(certificate._replace(subject_alt_names=names), host)


def _without_dot(name: str) -> str:
    return name[:-1] if name.endswith(".") else name


def _elements(data: bytes) -> List[_Element]:
    """Split bytes into the DER elements that fill them (X.690 8.1, 10.1)."""
    found: List[_Element] = []
    at = 0
    while at < len(data):
        start, at = at, at + 2
        if at > len(data):
            raise CertificateError("an element is cut short")
        tag, length = data[start], data[start + 1]
        if tag & 0x1F == 0x1F:
            raise CertificateError("a tag number is above 30")
        if length >= 0x80:
            octets = length - 0x80
            if not 1 <= octets <= 4:
                raise CertificateError("a length is indefinite or absurd")
            length = int.from_bytes(data[at : at + octets], "big")
            at += octets
        if length > len(data) - at:
            raise CertificateError("an element is longer than what holds it")
        if len(found) == MAX_ELEMENTS:
            raise CertificateError("more than %d elements follow each other" % MAX_ELEMENTS)
        found.append(_Element(tag, data[start : at + length], data[at : at + length]))
        at += length
    return found


def _only(data: bytes) -> _Element:
    """Return the one element that fills `data`."""
    found = _elements(data)
    if len(found) != 1:
        raise CertificateError("%d elements stand where one should" % len(found))
    return found[0]


def _content(element: _Element, tag: int) -> bytes:
    """Return what an element of the given tag contains."""
    if element.tag != tag:
        raise CertificateError("an element has tag 0x%02x instead of 0x%02x" % (element.tag, tag))
    return element.content


def _children(element: _Element, tag: int, *counts: int) -> List[_Element]:
    """Return the elements inside one of the given tag. `counts`: how many there may be, else any number."""
    children = _elements(_content(element, tag))
    if counts and len(children) not in counts:
        raise CertificateError("an element of tag 0x%02x holds %d others" % (tag, len(children)))
    return children


def _oid(element: _Element, tag: int = _OID) -> str:
    """Return an object identifier in dotted form (X.690 8.19)."""
    content = _content(element, tag)
    if not content or len(content) > MAX_OID_OCTETS or content[-1] >= 0x80:
        raise CertificateError("an object identifier is empty, too long or cut short")
    arcs = [0]
    for octet in content:
        arcs[-1] = arcs[-1] << 7 | octet & 0x7F
        if octet < 0x80:
            arcs.append(0)
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in [first, arcs[0] - 40 * first] + arcs[1:-1])


def _hexadecimal(element: _Element) -> str:
    """Return an INTEGER (two's complement) as sign and whole octets."""
    value = int.from_bytes(_content(element, _INTEGER), "big", signed=True)
    digits = "%X" % abs(value)
    return "-" * (value < 0) + "0" * (len(digits) % 2) + digits


def _time(element: _Element) -> datetime:
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


def _text(element: _Element) -> Optional[str]:
    """Return the text of a character string, not yet printable, or None for any other type."""
    charset = _CHARSETS.get(element.tag)
    if charset is None:
        return None
    try:
        return element.content.decode(charset)
    except UnicodeDecodeError:
        # What calls itself Teletex is Latin-1 nearly everywhere, OpenSSL's reading included.
        return element.content.decode("latin-1" if element.tag == _TELETEX else charset, "backslashreplace")


def _name(name: _Element) -> Tuple[str, Tuple[str, ...]]:
    """Return a distinguished name as an RFC 4514 string, and its common names."""
    shown: List[str] = []
    common_names: List[str] = []
    for rdn in _children(name, _SEQUENCE):
        parts: List[str] = []
        for attribute in _children(rdn, _SET):
            kind, value = _children(attribute, _SEQUENCE, 2)
            oid, text = _oid(kind), _text(value)
            if text is None:
                escaped = "#" + value.whole.hex()
            else:
                escaped = printable(_TO_ESCAPE.sub(r"\\\g<0>", text).replace("\0", "\\00"))
            parts.append("%s=%s" % (_ATTRIBUTES.get(oid, oid), escaped))
            if oid == _COMMON_NAME and text is not None:
                common_names.append(printable(text))
        shown.append("+".join(parts))
    return ",".join(reversed(shown)), tuple(common_names)


def _public_key(key: _Element) -> PublicKey:
    """Return algorithm and size of a SubjectPublicKeyInfo (RFC 5280 4.1.2.7, RFC 3279 2.3, RFC 5480)."""
    identifier, bits = _children(key, _SEQUENCE, 2)
    algorithm, *parameters = _children(identifier, _SEQUENCE, 1, 2)
    oid = _oid(algorithm)
    size = _KEY_BITS.get(oid)
    if oid in (_RSA, _RSA_PSS):
        # The first octet of a BIT STRING counts the unused bits of its last.
        modulus, _exponent = _children(_only(_content(bits, _BIT_STRING)[1:]), _SEQUENCE, 2)
        size = int.from_bytes(_content(modulus, _INTEGER), "big").bit_length()
    elif oid == _EC and parameters and parameters[0].tag == _OID:
        size = _CURVE_BITS.get(_oid(parameters[0]))
    return PublicKey(_KEYS.get(oid, oid), size)


def _extensions(fields: List[_Element]) -> Dict[bytes, bytes]:
    """Return what the extensions hold by their encoded object identifiers (RFC 5280 4.2)."""
    extensions: Dict[bytes, bytes] = {}
    for sequence in [_only(field.content) for field in fields if field.tag == 0xA3]:
        for extension in _children(sequence, _SEQUENCE):
            kind, *_critical, value = _children(extension, _SEQUENCE, 2, 3)
            if kind.content in extensions:
                raise CertificateError("an extension is present twice")
            extensions[kind.content] = _content(value, _OCTET_STRING)
    return extensions


def _key_ids_agree(extensions: Dict[bytes, bytes]) -> bool:
    """Return whether subject and authority key identifier are equal or not both there (RFC 5280 4.2.1)."""
    if _SUBJECT_KEY_ID not in extensions or _AUTHORITY_KEY_ID not in extensions:
        return True
    own = _content(_only(extensions[_SUBJECT_KEY_ID]), _OCTET_STRING)
    authority = _children(_only(extensions[_AUTHORITY_KEY_ID]), _SEQUENCE)
    return all(part.content == own for part in authority if part.tag == 0x80)


def _subject_alt_names(extensions: Dict[bytes, bytes]) -> Tuple[str, ...]:
    if _SUBJECT_ALT_NAME not in extensions:
        return ()
    names = _children(_only(extensions[_SUBJECT_ALT_NAME]), _SEQUENCE)
    return tuple(_general_name(name) for name in names)


def _general_name(name: _Element) -> str:
    """Return a GeneralName (RFC 5280 4.2.1.6) as "kind:value"."""
    tag, content = name.tag, name.content
    if tag in _TEXT_NAMES:
        return "%s:%s" % (_TEXT_NAMES[tag], printable(content.decode("ascii", "backslashreplace")))
    if tag == 0x87:
        return "IP:%s" % (ipaddress.ip_address(content) if len(content) in (4, 16) else "#" + content.hex())
    if tag == 0x88:
        return "RID:%s" % _oid(name, tag)
    if tag == 0xA4:
        return "dirName:%s" % _name(_only(content))[0]
    if tag == 0xA0:
        kind, explicit = _children(name, tag, 2)
        value = _only(_content(explicit, 0xA0))
        text = _text(value)
        shown = "#" + value.whole.hex() if text is None else printable(text)
        return "otherName:%s:%s" % (_oid(kind), shown)
    if tag in _OPAQUE_NAMES:
        return "%s:#%s" % (_OPAQUE_NAMES[tag], content.hex())
    raise CertificateError("a subject alternative name is of an unknown kind")
