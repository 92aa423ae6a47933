# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the reader says of a certificate is compared with what cryptography says of it, field by field. What
# cryptography does not make (hostile names, absurd numbers, odd dates) is put together here by hand.

from __future__ import annotations

import hashlib
import ipaddress
import random
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509.name import _ASN1Type
from cryptography.x509.oid import AuthorityInformationAccessOID, NameOID

from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.text import printable
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls import certificates
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.certificates import (
    Certificate,
    CertificateError,
    PublicKey,
    certificate_facts,
    read_certificate,
)
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.tls.identity import names_match
from ansible_collections.postmaster.mailcheck.tests.support.chains import issue
from ansible_collections.postmaster.mailcheck.tests.support.der import (
    EC_ID,
    P_256,
    RSA_ID,
    RSA_PSS_ID,
    attribute,
    by_hand,
    spki,
    tlv,
    with_alt_names,
)

if TYPE_CHECKING:
    from typing import Any, Dict, Iterable, List, Optional, Tuple

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
UTC = timezone.utc


# The corpus: recipes, certificates made of them, and cryptography's reading of each.


class Recipe(NamedTuple):
    """How to make one certificate."""

    label: str
    key: str = "P-256"
    signer: str = "P-256"
    digest: Any = hashes.SHA256
    pss: bool = False
    subject: Any = None
    issuer: Any = None
    names: Tuple[Any, ...] = ()
    serial: int = 4711
    not_before: datetime = datetime(2026, 1, 1, tzinfo=UTC)
    not_after: datetime = datetime(2026, 11, 24, 23, 59, 58, tzinfo=UTC)
    subject_key_id: Optional[bytes] = None
    authority_key_id: Optional[bytes] = None


CURVES = {
    "P-192": ec.SECP192R1(), "P-224": ec.SECP224R1(), "P-256": ec.SECP256R1(), "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(), "secp256k1": ec.SECP256K1(), "brainpoolP256r1": ec.BrainpoolP256R1(),
    "brainpoolP384r1": ec.BrainpoolP384R1(), "brainpoolP512r1": ec.BrainpoolP512R1(),
}  # fmt: skip


@lru_cache(maxsize=None)
def private_key(kind: str) -> Any:
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "Ed448":
        return ed448.Ed448PrivateKey.generate()
    if kind in CURVES:
        return ec.generate_private_key(CURVES[kind])
    return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[4:]))


def name(*attributes: Tuple[Any, str]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in attributes])


@lru_cache(maxsize=None)
def made(recipe: Recipe) -> bytes:
    builder = (
        x509.CertificateBuilder()
        .subject_name(recipe.subject or name((NameOID.ORGANIZATION_NAME, "Example"), (NameOID.COMMON_NAME, "relay")))
        .issuer_name(recipe.issuer or name((NameOID.COMMON_NAME, "Example Authority")))
        .public_key(private_key(recipe.key).public_key())
        .serial_number(recipe.serial)
        .not_valid_before(recipe.not_before)
        .not_valid_after(recipe.not_after)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    if recipe.names:
        builder = builder.add_extension(x509.SubjectAlternativeName(recipe.names), critical=len(recipe.names) == 1)
    if recipe.subject_key_id:
        builder = builder.add_extension(x509.SubjectKeyIdentifier(recipe.subject_key_id), critical=False)
    if recipe.authority_key_id:
        key_id = x509.AuthorityKeyIdentifier(recipe.authority_key_id, None, None)
        builder = builder.add_extension(key_id, critical=False)
    signer = private_key(recipe.signer)
    digest = None if recipe.signer.startswith("Ed") else recipe.digest()
    if recipe.pss:
        mode = padding.PSS(padding.MGF1(recipe.digest()), recipe.digest.digest_size)
        certificate = builder.sign(signer, digest, rsa_padding=mode)
    else:
        certificate = builder.sign(signer, digest)
    return certificate.public_bytes(serialization.Encoding.DER)


def key_recipes() -> Iterable[Recipe]:
    for bits in (1024, 1536, 2047, 2048, 3072, 4096):
        yield Recipe("RSA %d" % bits, key="RSA-%d" % bits)
    for curve in CURVES:
        yield Recipe("key on %s" % curve, key=curve)
    for kind in ("Ed25519", "Ed448"):
        yield Recipe(kind, key=kind, signer=kind)
        yield Recipe("%s key, signed by RSA" % kind, key=kind, signer="RSA-2048")
    for digest in (hashes.SHA224, hashes.SHA256, hashes.SHA384, hashes.SHA512):
        yield Recipe("RSA with %s" % digest.name, signer="RSA-2048", digest=digest)
        yield Recipe("RSA-PSS with %s" % digest.name, signer="RSA-2048", digest=digest, pss=True)
        yield Recipe("P-384 with %s" % digest.name, signer="P-384", digest=digest)
        yield Recipe("P-521 with %s" % digest.name, signer="P-521", digest=digest)


STRINGS = {
    "UTF8": _ASN1Type.UTF8String, "BMP": _ASN1Type.BMPString, "Teletex": _ASN1Type.T61String,
    "Printable": _ASN1Type.PrintableString, "IA5": _ASN1Type.IA5String, "Visible": _ASN1Type.VisibleString,
    "Numeric": _ASN1Type.NumericString, "Universal": _ASN1Type.UniversalString,
}  # fmt: skip
TO_ESCAPE = (
    "#relay", "re#lay", " relay", "relay ", " ", "  ", "a,b", "a+b", 'a"b', "a\\b", "a<b>c", "a;b", "a=b",
    "\\", '"', ",,", "nul\0nul", "\0", "line\nbreak", "\r\n250 ok", "\x1b[31mred\x1b[0m", "\x9b31m",
    "\u202egpj.exe", "a\u2028b", "\x7f", "\ufeff",
)  # fmt: skip


def name_recipes() -> Iterable[Recipe]:
    for label, kind in STRINGS.items():
        for text in ("relay.example.com", "2026"):
            attribute = x509.NameAttribute(NameOID.COMMON_NAME, text, kind)
            yield Recipe("%s string %s" % (label, text), subject=x509.Name([attribute]))
    for label in ("UTF8", "BMP", "Teletex"):
        attribute = x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Zürcher Käse \u20ac", STRINGS[label])
        yield Recipe("%s beyond ASCII" % label, subject=x509.Name([attribute]))
    yield Recipe("BMP with a surrogate pair", subject=x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "\U0001f4ee", _ASN1Type.BMPString)]
    ))  # fmt: skip
    for text in TO_ESCAPE:
        yield Recipe("escaped %r" % text, subject=name((NameOID.COMMON_NAME, text)), issuer=name((NameOID.TITLE, text)))
    for oid in (
        NameOID.STATE_OR_PROVINCE_NAME, NameOID.LOCALITY_NAME, NameOID.STREET_ADDRESS, NameOID.USER_ID,
        NameOID.DOMAIN_COMPONENT, NameOID.EMAIL_ADDRESS, NameOID.SERIAL_NUMBER, NameOID.SURNAME,
        NameOID.PSEUDONYM, NameOID.BUSINESS_CATEGORY, NameOID.ORGANIZATIONAL_UNIT_NAME,
        *map(x509.ObjectIdentifier, (
            "2.999.1.4294967296", "0.39.7", "1.39.7", "2.0.7", "2.25.340282366920938463463374607431768211455",
        )),
    ):  # fmt: skip
        yield Recipe("attribute %s" % oid.dotted_string, subject=name((NameOID.COUNTRY_NAME, "CH"), (oid, "value")))
    several = [x509.NameAttribute(NameOID.COMMON_NAME, "relay"), x509.NameAttribute(NameOID.USER_ID, "a+b")]
    country = x509.RelativeDistinguishedName([x509.NameAttribute(NameOID.COUNTRY_NAME, "DE")])
    yield Recipe("two values in one RDN", subject=x509.Name([country, x509.RelativeDistinguishedName(several)]))
    yield Recipe("two values first", subject=x509.Name([x509.RelativeDistinguishedName(several), country]))
    yield Recipe("three common names", subject=name(*[(NameOID.COMMON_NAME, text) for text in ("a", "b", "c")]))
    yield Recipe("no subject", subject=x509.Name([]))
    yield Recipe("200 attributes", subject=name(*[(NameOID.ORGANIZATIONAL_UNIT_NAME, str(at)) for at in range(200)]))


UPN = x509.ObjectIdentifier("1.3.6.1.4.1.311.20.2.3")
GENERAL_NAMES = (
    *map(x509.DNSName, (
        "relay.example.com", "*.example.com", "xn--bcher-kva.example", "RELAY.Example.COM",
        "under_score.example", "localhost", "a" * 300, "relay.example.com\0.example.net", "x\x1b[2Jy",
        "a, IP:192.0.2.1",
    )),
    *(x509.IPAddress(ipaddress.ip_address(text)) for text in (
        "192.0.2.1", "0.0.0.0", "2001:db8::1", "::ffff:192.0.2.1", "::", "2001:db8:1:2:3:4:5:6",
    )),
    *map(x509.RFC822Name, ("postmaster@example.com", "a\nb@example.com")),
    *map(x509.UniformResourceIdentifier, ("https://example.com/?a=b,c", "spiffe://example/relay")),
    *(x509.RegisteredID(x509.ObjectIdentifier(text)) for text in ("1.2.3.4", "2.999.3")),
    *(x509.OtherName(UPN, value) for value in (
        b"\x0c\x10user@example.com", b"\x0c\x04a\x1b\nb", b"\x30\x03\x02\x01\x05", b"\x05\x00",
    )),
    x509.DirectoryName(name((NameOID.COUNTRY_NAME, "CH"), (NameOID.COMMON_NAME, "a,b"))),
    x509.DirectoryName(x509.Name([])),
)  # fmt: skip


def alt_name_recipes() -> Iterable[Recipe]:
    for at, general_name in enumerate(GENERAL_NAMES):
        yield Recipe("alternative name %d" % at, names=(general_name,))
    yield Recipe("every kind at once", names=GENERAL_NAMES)
    yield Recipe("every kind, backwards", names=GENERAL_NAMES[::-1])
    yield Recipe("1,000 names", names=tuple(x509.DNSName("relay%d.example.com" % at) for at in range(1000)))
    shuffler = random.Random(5280)
    for at in range(20):
        some = tuple(shuffler.sample(GENERAL_NAMES, shuffler.randint(2, 12)))
        yield Recipe("names at random %d" % at, names=some, serial=shuffler.getrandbits(shuffler.randint(8, 159)) + 1)


def number_recipes() -> Iterable[Recipe]:
    for serial in (1, 9, 10, 127, 128, 255, 256, 2**64 - 1, 2**64, 2**159 - 1, 2**158, 0xABC, 0xABCD):
        yield Recipe("serial number %X" % serial, serial=serial)
    for moment in (
        "1950-01-01T00:00:00", "1969-12-31T23:59:59", "1970-01-01T00:00:00", "1999-12-31T23:59:59",
        "2000-02-29T12:00:00", "2038-01-19T03:14:08", "2049-12-31T23:59:59", "2050-01-01T00:00:00",
        "2100-03-01T00:00:00", "9999-12-31T23:59:59",
    ):  # fmt: skip
        at = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        yield Recipe("valid until %s" % moment, not_before=datetime(1950, 1, 1, tzinfo=UTC), not_after=at)
        yield Recipe("valid from %s" % moment, not_before=at, not_after=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC))


def self_signed_recipes() -> Iterable[Recipe]:
    own = name((NameOID.COMMON_NAME, "relay"))
    yield Recipe("its own issuer", subject=own, issuer=own)
    for subject_key_id, authority_key_id in ((b"a", None), (None, b"a"), (b"a", b"a"), (b"a", b"b")):
        yield Recipe(
            "its own issuer, key ids %r and %r" % (subject_key_id, authority_key_id),
            subject=own, issuer=own, subject_key_id=subject_key_id, authority_key_id=authority_key_id,
        )  # fmt: skip
    yield Recipe("equal but for the string type", subject=own, issuer=x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, "relay", _ASN1Type.PrintableString)]
    ))  # fmt: skip


RECIPES: List[Recipe] = [
    *key_recipes(), *name_recipes(), *alt_name_recipes(), *number_recipes(), *self_signed_recipes()
]  # fmt: skip


# RFC 8017 and OpenSSL's spelling for cryptography's.
OTHER_SPELLINGS = {"rsassaPss": "RSASSA-PSS", "ed25519": "ED25519", "ed448": "ED448"}


def as_cryptography_reads(der: bytes) -> Certificate:
    """The same record, filled in by another reader."""
    certificate = x509.load_der_x509_certificate(der)
    begin, end = [
        getattr(certificate, field + "_utc", None) or getattr(certificate, field).replace(tzinfo=UTC)
        for field in ("not_valid_before", "not_valid_after")
    ]
    spki = certificate.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    serial = "%X" % certificate.serial_number
    signature = certificate.signature_algorithm_oid._name
    common_names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return Certificate(
        subject=printable(certificate.subject.rfc4514_string()),
        issuer=printable(certificate.issuer.rfc4514_string()),
        serial_number=serial.zfill(len(serial) + len(serial) % 2),
        not_before=begin.isoformat().replace("+00:00", "Z"),
        not_after=end.isoformat().replace("+00:00", "Z"),
        not_before_timestamp=(begin - EPOCH) // timedelta(seconds=1),
        not_after_timestamp=(end - EPOCH) // timedelta(seconds=1),
        subject_alt_names=tuple(map(general_name_text, extension(certificate, x509.SubjectAlternativeName) or ())),
        common_names=tuple(printable(str(attribute.value)) for attribute in common_names),
        public_key=public_key_facts(certificate.public_key()),
        signature_algorithm=OTHER_SPELLINGS.get(signature, signature),
        sha256_fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
        public_key_sha256=hashlib.sha256(spki).hexdigest(),
        self_signed=certificate.subject.public_bytes() == certificate.issuer.public_bytes() and key_ids(certificate),
    )


def extension(certificate: x509.Certificate, kind: Any) -> Any:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def key_ids(certificate: x509.Certificate) -> bool:
    own, authority = (
        extension(certificate, x509.SubjectKeyIdentifier),
        extension(certificate, x509.AuthorityKeyIdentifier),
    )
    return not own or not authority or authority.key_identifier in (None, own.digest)


def public_key_facts(key: Any) -> PublicKey:
    if isinstance(key, rsa.RSAPublicKey):
        return PublicKey("RSA", key.key_size)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return PublicKey("EC", key.curve.key_size)
    return PublicKey("Ed25519", 256) if isinstance(key, ed25519.Ed25519PublicKey) else PublicKey("Ed448", 456)


KINDS: Any = {
    x509.DNSName: "DNS", x509.RFC822Name: "email", x509.UniformResourceIdentifier: "URI", x509.IPAddress: "IP"
}  # fmt: skip


def general_name_text(general_name: Any) -> str:
    value = general_name.value
    if isinstance(general_name, x509.OtherName):
        text = printable(value[2:].decode()) if value[0] == 0x0C else "#" + value.hex()
        return "otherName:%s:%s" % (general_name.type_id.dotted_string, text)
    if isinstance(general_name, x509.RegisteredID):
        return "RID:%s" % value.dotted_string
    if isinstance(general_name, x509.DirectoryName):
        return "dirName:" + printable(value.rfc4514_string())
    return "%s:%s" % (KINDS[type(general_name)], printable(str(value)))


NOW = datetime(2026, 6, 1, 12, 30, tzinfo=UTC)


def facts_as_cryptography_reads(der: bytes) -> Dict[str, Any]:
    """All keys of a report's `tls.certificate`."""
    other = as_cryptography_reads(der)
    key = other.public_key
    left = EPOCH + timedelta(seconds=other.not_after_timestamp) - NOW
    days_left = left // timedelta(days=1) if left >= timedelta(0) else min(-1, -(-left // timedelta(days=1)))
    return {
        "subject": other.subject, "issuer": other.issuer, "serial_number": other.serial_number,
        "not_before": other.not_before, "not_after": other.not_after, "days_left": days_left,
        "subject_alt_names": list(other.subject_alt_names),
        "public_key": {"algorithm": key.algorithm, "bits": key.bits},
        "signature_algorithm": other.signature_algorithm, "sha256_fingerprint": other.sha256_fingerprint,
        "public_key_sha256": other.public_key_sha256, "self_signed": other.self_signed,
    }  # fmt: skip


@pytest.mark.parametrize("recipe", RECIPES, ids=[recipe.label.encode("unicode_escape").decode() for recipe in RECIPES])
def test_every_field_is_what_cryptography_reads(recipe: Recipe) -> None:
    der = made(recipe)
    certificate = read_certificate(der)
    assert certificate == as_cryptography_reads(der)
    assert certificate_facts(certificate, NOW.timestamp()) == facts_as_cryptography_reads(der)


def test_the_corpus_is_large_enough() -> None:
    assert len({made(recipe) for recipe in RECIPES}) == len(RECIPES) >= 150


# Certificates put together by hand.


def test_a_certificate_made_by_hand_is_read_whole() -> None:
    der = by_hand()
    assert read_certificate(der) == Certificate(
        subject="CN=relay",
        issuer="CN=Authority",
        serial_number="01",
        not_before="2026-01-01T00:00:00Z",
        not_after="2026-11-24T00:00:00Z",
        not_before_timestamp=1767225600,
        not_after_timestamp=1795478400,
        subject_alt_names=(),
        common_names=("relay",),
        public_key=PublicKey("EC", 256),
        signature_algorithm="ecdsa-with-SHA256",
        sha256_fingerprint=hashlib.sha256(der).hexdigest(),
        public_key_sha256=hashlib.sha256(spki(EC_ID, P_256)).hexdigest(),
        self_signed=False,
    )


def test_a_certificate_of_version_1_has_no_version_and_no_extensions() -> None:
    assert read_certificate(by_hand(version=b"")).subject == "CN=relay"


def real_spki(kind: str) -> bytes:
    public = private_key(kind).public_key()
    return bytes(public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo))


@pytest.mark.parametrize(
    "parts",
    [
        {"not_before": tlv(0x18, b"19491231235959Z")},
        {"not_before": tlv(0x18, b"00010101000000Z"), "not_after": tlv(0x18, b"18991231235959Z")},
        {"not_before": tlv(0x18, b"20260101000000Z")},  # as a UTCTime it should be
        {"serial": tlv(0x02, b"\x7f" * 21)},
        {"serial": tlv(0x02, b"\x7f" * 5000)},
        {"version": b""},
        {"signature": tlv(0x06, bytes.fromhex("2a864886f70d010105"))},  # SHA-1
        {"signature": tlv(0x06, bytes.fromhex("2a864886f70d010104"))},  # MD5
    ],
    ids="-".join,
)
def test_what_cryptography_reads_but_does_not_make(parts: Dict[str, bytes]) -> None:
    der = by_hand(key=real_spki("P-256"), **parts)
    assert certificate_facts(read_certificate(der), NOW.timestamp()) == facts_as_cryptography_reads(der)


def test_a_key_for_rsa_pss_alone() -> None:
    """cryptography reads it as any RSA key; RFC 4055 1.2: another identifier, and here no parameters."""
    rsa_id = bytes.fromhex("300d06092a864886f70d0101010500")
    key = tlv(0x30, tlv(0x30, RSA_PSS_ID), real_spki("RSA-2048").partition(rsa_id)[2])
    der = by_hand(key=key)
    assert certificate_facts(read_certificate(der), NOW.timestamp()) == {
        **facts_as_cryptography_reads(der),
        "public_key": {"algorithm": "RSA-PSS", "bits": 2048},
        "public_key_sha256": hashlib.sha256(key).hexdigest(),
    }


@pytest.mark.parametrize(
    ("value", "subject"),
    [
        (tlv(0x14, "Zürich".encode("latin-1")), "CN=Zürich"),
        (tlv(0x14, "Zürich".encode()), "CN=Zürich"),
        (tlv(0x0C, b"a\xffb"), r"CN=a\\xffb"),
        (tlv(0x0C, b"\xed\xa0\x80"), r"CN=\\xed\\xa0\\x80"),
        (tlv(0x1E, b"\xd8\x00\x00a"), r"CN=\\xd8\\x00a"),
        (tlv(0x1E, b"\x00a\x00"), r"CN=a\\x00"),
        (tlv(0x1C, b"\x00\x11\x00\x00"), r"CN=\\x00\\x11\\x00\\x00"),
        (tlv(0x0C), "CN="),
        (tlv(0x03, b"\0\xab"), "CN=#030200ab"),
        (tlv(0x30, tlv(0x02, b"\x05")), "CN=#3003020105"),
    ],
)
def test_a_value_that_is_no_clean_text_is_shown_all_the_same(value: bytes, subject: str) -> None:
    assert read_certificate(by_hand(subject=tlv(0x30, attribute(value)))).subject == subject


def test_a_value_that_is_no_text_is_no_common_name() -> None:
    certificate = read_certificate(
        by_hand(subject=tlv(0x30, attribute(tlv(0x02, b"\x05")), attribute(tlv(0x0C, b"x"))))
    )
    assert certificate.common_names == ("x",)


@pytest.mark.parametrize(
    ("content", "serial_number"),
    [
        (b"\x00", "00"), (b"\x80", "-80"), (b"\xff", "-01"), (b"\xff\x7f", "-81"), (b"\x00\xff", "FF"),
        (b"\x0a", "0A"), (b"\x01\x00", "0100"), (b"\x7f" * 5000, "7F" * 5000),
    ],
    ids=len,
)  # fmt: skip
def test_a_serial_number_is_shown_in_whole_octets(content: bytes, serial_number: str) -> None:
    assert read_certificate(by_hand(serial=tlv(0x02, content))).serial_number == serial_number


@pytest.mark.parametrize(
    ("element", "text", "timestamp"),
    [
        (tlv(0x17, b"491231235959Z"), "2049-12-31T23:59:59Z", 2524607999),
        (tlv(0x17, b"500101000000Z"), "1950-01-01T00:00:00Z", -631152000),
        (tlv(0x18, b"19491231235959Z"), "1949-12-31T23:59:59Z", -631152001),
        (tlv(0x18, b"20260101000000Z"), "2026-01-01T00:00:00Z", 1767225600),
        (tlv(0x18, b"00010101000000Z"), "0001-01-01T00:00:00Z", -62135596800),
        (tlv(0x18, b"99991231235959Z"), "9999-12-31T23:59:59Z", 253402300799),
    ],
)
def test_a_date_far_off_is_read(element: bytes, text: str, timestamp: int) -> None:
    certificate = read_certificate(by_hand(not_before=element))
    assert (certificate.not_before, certificate.not_before_timestamp) == (text, timestamp)


@pytest.mark.parametrize(
    "element",
    [
        tlv(0x17, b"2601010000Z"), tlv(0x17, b"260101000000+0100"), tlv(0x17, b"20260101000000Z"), tlv(0x17),
        tlv(0x18, b"260101000000Z"), tlv(0x18, b"20260101000000.5Z"), tlv(0x18, b"20260101000000"),
        tlv(0x18, b"20261301000000Z"), tlv(0x18, b"20260230000000Z"), tlv(0x18, b"20260101240000Z"),
        tlv(0x18, b"20260101000060Z"), tlv(0x18, b"00000101000000Z"), tlv(0x18, b"2026010100000\xb2Z"),
        tlv(0x0C, b"20260101000000Z"), tlv(0x17, b"260101000000Z\n"),
    ],
)  # fmt: skip
def test_a_date_that_is_none_is_refused(element: bytes) -> None:
    with pytest.raises(CertificateError, match="date"):
        read_certificate(by_hand(not_after=element))


MODULUS = b"\x00" + b"\xc5" * 256


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (
            spki(RSA_ID, tlv(0x05), key=tlv(0x30, tlv(0x02, MODULUS), tlv(0x02, b"\x03"))),
            PublicKey("RSA", 2048),
        ),
        (spki(RSA_PSS_ID, key=tlv(0x30, tlv(0x02, MODULUS), tlv(0x02, b"\x03"))), PublicKey("RSA-PSS", 2048)),
        (spki(EC_ID, tlv(0x06, b"\x2a\x03")), PublicKey("EC", None)),
        (spki(EC_ID, tlv(0x30)), PublicKey("EC", None)),
        (spki(EC_ID), PublicKey("EC", None)),
        (spki(tlv(0x06, bytes.fromhex("608648016503040312"))), PublicKey("ML-DSA-65", None)),
        (spki(tlv(0x06, b"\x2a\x03\x04")), PublicKey("1.2.3.4", None)),
    ],
)
def test_keys_that_cryptography_does_not_make(key: bytes, expected: PublicKey) -> None:
    assert read_certificate(by_hand(key=key)).public_key == expected


def test_an_unknown_signature_algorithm_is_shown_as_its_identifier() -> None:
    assert read_certificate(by_hand(signature=tlv(0x06, b"\x2a\x03\x04"))).signature_algorithm == "1.2.3.4"


@pytest.mark.parametrize(
    ("encoded", "text"),
    [
        (tlv(0x82, b"relay\xe9.example"), r"DNS:relay\xe9.example"),
        (tlv(0x82, b""), "DNS:"),
        (tlv(0x87, b"\xc0\x00\x02"), "IP:#c00002"),
        (tlv(0x87, b"\xc0\x00\x02\x00\xff\xff\xff\x00"), "IP:#c0000200ffffff00"),
        (tlv(0xA3, b"\x01\x02"), "x400Address:#0102"),
        (tlv(0xA5, b"\x01\x02"), "ediPartyName:#0102"),
        (tlv(0xA0, tlv(0x06, b"\x2a\x03"), tlv(0xA0, tlv(0x1E, b"\x00a"))), "otherName:1.2.3:a"),
    ],
)
def test_alternative_names_that_cryptography_refuses(encoded: bytes, text: str) -> None:
    assert read_certificate(with_alt_names(encoded)).subject_alt_names == (text,)


# A certificate's text may come from anybody.

STEERING = "\x1b]0;owned\x07 \r\n250 ok \x9b2J \u202e \u2066 \u2028 \u2029 \x00 \x7f \x85 \u061c"


def test_no_text_steers_a_terminal_or_a_log() -> None:
    hostile = tlv(0x30, attribute(tlv(0x0C, STEERING.encode())), attribute(tlv(0x1E, STEERING.encode("utf-16-be"))))
    names = tlv(
        0x30, *(tlv(tag, STEERING.encode()) for tag in (0x81, 0x82, 0x86)), tlv(0xA4, hostile),
        tlv(0xA0, tlv(0x06, b"\x2a\x03"), tlv(0xA0, tlv(0x0C, STEERING.encode()))),
    )  # fmt: skip
    certificate = read_certificate(by_hand(subject=hostile, issuer=hostile, extensions=[(b"\x55\x1d\x11", names)]))
    texts = [
        certificate.subject,
        certificate.issuer,
        *certificate.subject_alt_names,
        *certificate.common_names,
    ]
    assert len(texts) == 9
    for text in texts:
        assert "owned" in text
        assert text.isprintable()
        assert text.encode("utf-8").decode("utf-8") == printable(text)


ABSURD_OID = b"\x2a" + b"\x87" * 70000 + b"\x07"
HOSTILE = {
    "nothing": b"",
    "one octet": b"\x30",
    "no sequence": tlv(0x31),
    "an empty sequence": tlv(0x30),
    "something behind it": by_hand() + b"\0\0",
    "two certificates": by_hand() * 2,
    "cut short": by_hand()[:-1],
    "an indefinite length": b"\x30\x80" + by_hand()[4:] + b"\0\0",
    "a length of 127 octets": b"\x30\xff" + b"\x01" * 127,
    "a length of 5 octets": b"\x30\x85\x00\x00\x00\x01\x00" + by_hand()[4:],
    "a length without octets": b"\x30\x84\x00",
    "a length of 4 GiB": b"\x30\x84\xff\xff\xff\xff" + by_hand()[4:],
    "a high tag number": b"\x3f\x81\x01" + by_hand(),
    "64 MiB of zeroes": bytes(64 << 20),
    "256 KiB of empty elements": bytes(256 << 10),
    "52,000 sequences, each inside the other": b"".join(
        b"\x30\x83" + (5 * inside).to_bytes(3, "big") for inside in reversed(range(52000))
    ),
    "64 MiB of nesting": b"\x30\x84\x03\xff\xff\xfa" * 1000 + bytes(64 << 20),
    "too many names": with_alt_names(*[b"\x82\x00"] * 20000),
    "an absurd object identifier": by_hand(signature=tlv(0x06, ABSURD_OID)),
    "an absurd attribute type": by_hand(subject=tlv(0x30, attribute(tlv(0x0C, b"x"), oid=ABSURD_OID))),
    "an unfinished object identifier": by_hand(signature=tlv(0x06, b"\x2a\x86")),
    "an empty object identifier": by_hand(signature=tlv(0x06)),
    "an absurd registered identifier": with_alt_names(tlv(0x88, ABSURD_OID)),
    "an alternative name of no kind": with_alt_names(tlv(0x89, b"x")),
    "an other name without value": with_alt_names(tlv(0xA0, tlv(0x06, b"\x2a\x03"))),
    "an other name without anything": with_alt_names(tlv(0xA0)),
    "a directory name twice": with_alt_names(tlv(0xA4, tlv(0x30), tlv(0x30))),
    "alternative names twice": by_hand(extensions=[(b"\x55\x1d\x11", tlv(0x30))] * 2),
    "alternative names empty": by_hand(extensions=[(b"\x55\x1d\x11", b"")]),
    "a constructed DNS name": with_alt_names(tlv(0xA2, tlv(0x16, b"relay"))),
    "a key identifier of another type": by_hand(
        subject=tlv(0x30), issuer=tlv(0x30),
        extensions=[(b"\x55\x1d\x0e", tlv(0x02, b"\1")), (b"\x55\x1d\x23", tlv(0x30))],
    ),
    "an attribute without value": by_hand(subject=tlv(0x30, attribute(b""))),
    "a subject that is no sequence": by_hand(subject=tlv(0x0C, b"relay")),
    "no subject": by_hand(subject=b"", version=b""),
    "a version in place of the key": by_hand(key=b""),
    "a serial number that is text": by_hand(serial=tlv(0x0C, b"1")),
    "an RSA key of nothing": by_hand(key=spki(RSA_ID, key=b"")),
    "an RSA key of two": by_hand(key=spki(RSA_ID, key=tlv(0x30) * 2)),
    "an RSA key of one number": by_hand(key=spki(RSA_ID, key=tlv(0x30, tlv(0x02, MODULUS)))),
    "a key without bits": by_hand(key=tlv(0x30, tlv(0x30, RSA_ID), tlv(0x03))),
    "a key without algorithm": by_hand(key=tlv(0x30, tlv(0x30), tlv(0x03, b"\0"))),
    "one date": by_hand(not_after=b""),
}  # fmt: skip


@pytest.mark.parametrize("der", HOSTILE.values(), ids=list(HOSTILE))
def test_what_is_no_certificate_is_refused(der: bytes) -> None:
    with pytest.raises(CertificateError) as refusal:
        read_certificate(der)
    assert str(refusal.value).isprintable()


def test_what_is_not_reported_is_not_judged() -> None:
    unknown = [(b"\x2a\x03", b"not DER"), (ABSURD_OID, b""), (b"", b"\x30\x80")]
    assert read_certificate(by_hand(extensions=unknown)).subject == "CN=relay"


def mutated(rng: random.Random, der: bytes, other: bytes) -> bytes:
    """Damage a certificate in one to four places, half of the time without a change of any length."""
    data = bytearray(der)
    ways = rng.choice((2, 6))
    for _time in range(rng.randint(1, 4)):
        at = rng.randrange(len(data) + 1)
        way = rng.randrange(ways)
        if way == 0:
            data[at : at + 1] = [rng.getrandbits(8)] * len(data[at : at + 1])
        elif way == 1:
            data[at : at + 1] = [octet ^ 1 << rng.randrange(8) for octet in data[at : at + 1]]
        elif way == 2:
            del data[at:]
        elif way == 3:
            data[at:at] = bytes(rng.getrandbits(8) for _octet in range(rng.randint(1, 8)))
        elif way == 4:
            start = rng.randrange(len(other))
            data[at : at + rng.randint(0, 40)] = other[start : start + rng.randint(1, 40)]
        else:
            del data[at : at + rng.randint(1, 8)]
    return bytes(data)


def read_damaged(count: int, seed: int) -> Tuple[int, int]:
    """Read so many damaged certificates; return how many were still read, and how many refused."""
    rng = random.Random(seed)
    whole = [made(recipe) for recipe in RECIPES if not recipe.label.startswith("1,000")]
    read = 0
    for _round in range(count):
        damaged = mutated(rng, rng.choice(whole), rng.choice(whole))
        try:
            certificate = read_certificate(damaged)
        except CertificateError:
            continue
        assert isinstance(certificate, Certificate)
        for text in (certificate.subject, certificate.issuer, *certificate.subject_alt_names):
            assert text == printable(text)
        assert isinstance(names_match(certificate, "relay.example.com"), bool)
        read += 1
    return read, count - read


def test_a_damaged_certificate_is_read_or_refused_and_nothing_else() -> None:
    read, refused = read_damaged(20000, seed=9525)
    assert read > 500
    assert refused > 500


# What a report says.


def test_facts_are_those_of_the_report() -> None:
    certificate = read_certificate(with_alt_names(tlv(0x82, b"relay.example.com"), tlv(0x87, b"\xc0\x00\x02\x01")))
    assert certificate_facts(certificate, now=1795478400 - 86400 * 30) == {
        "subject": "CN=relay",
        "issuer": "CN=Authority",
        "serial_number": "01",
        "not_before": "2026-01-01T00:00:00Z",
        "not_after": "2026-11-24T00:00:00Z",
        "days_left": 30,
        "subject_alt_names": ["DNS:relay.example.com", "IP:192.0.2.1"],
        "public_key": {"algorithm": "EC", "bits": 256},
        "signature_algorithm": "ecdsa-with-SHA256",
        "sha256_fingerprint": certificate.sha256_fingerprint,
        "public_key_sha256": certificate.public_key_sha256,
        "self_signed": False,
    }


@pytest.mark.parametrize(
    ("seconds_left", "days_left"),
    [
        (86400.0, 1),
        (86399.5, 0),
        (0.5, 0),
        (0.0, 0),
        (-0.5, -1),
        (-86400.0, -1),
        (-86404.0, -1),
        (-172800.0, -2),
        (172799, 1),
    ],
)
def test_days_left_are_whole_days_and_negative_once_expired(seconds_left: float, days_left: int) -> None:
    certificate = read_certificate(by_hand())
    facts = certificate_facts(certificate, now=certificate.not_after_timestamp - seconds_left)
    assert facts["days_left"] == days_left
    assert isinstance(facts["days_left"], int)


def test_the_largest_certificate_that_is_read() -> None:
    room = certificates.MAX_CERTIFICATE_OCTETS - len(by_hand()) - 64
    certificate = read_certificate(
        with_alt_names(*[tlv(0x82, b"relay.example.com")] * (room // 19 // 2), tlv(0x86, b"u" * (room // 2)))
    )
    assert len(certificate.subject_alt_names) > 6000
    assert names_match(certificate, "relay.example.com")


def test_where_an_issuer_s_certificate_is_to_be_had() -> None:
    """RFC 5280 4.2.2.1: by caIssuers, as a URI. An OCSP responder has none."""

    def said(*accesses: Any) -> Any:
        extension = x509.AuthorityInformationAccess([x509.AccessDescription(*access) for access in accesses])
        return read_certificate(issue(None, "a.example", extensions=[(extension, False)]).der).issuer_url

    oid = AuthorityInformationAccessOID
    ocsp = (oid.OCSP, x509.UniformResourceIdentifier("http://ocsp.example"))
    issuer = (oid.CA_ISSUERS, x509.UniformResourceIdentifier("http://ca.example/ca.der"))
    by_name = (oid.CA_ISSUERS, x509.DNSName("ca.example"))
    assert said(ocsp) is None
    assert said(ocsp, by_name, issuer) == "http://ca.example/ca.der"
