# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Certificates good and bad, versions, client certificates: what is reported, and what stops the session.

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.x509.extensions import SubjectAlternativeName

from ansible_collections.postmaster.mailcheck.tests.real import servers
from ansible_collections.postmaster.mailcheck.tests.real.exim import Exim
from ansible_collections.postmaster.mailcheck.tests.real.pki import IdentityFiles, Pki
from ansible_collections.postmaster.mailcheck.tests.real.postfix import Postfix
from ansible_collections.postmaster.mailcheck.tests.real.reports import PASSED, Check, Log, outcome, verbs

BAD_CERTIFICATES = [("expired", "certificate_expired"), ("wrong_name", "certificate_name_mismatch")]
UP_TO_TLS = ["EHLO", "STARTTLS"]
LISTENER_OF = {"relay": "mx", "rsa": "rsa_tls12"}


def as_cryptography_reads(certificate: x509.Certificate) -> dict[str, Any]:
    """The facts of a certificate, but those that depend on the day, by another reader."""
    key = certificate.public_key()
    spki = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    names = []
    for extension in certificate.extensions:
        if isinstance(extension.value, SubjectAlternativeName):
            names = [
                f"IP:{name.value}" if isinstance(name, x509.IPAddress) else f"DNS:{name.value}"
                for name in extension.value
            ]
    serial = f"{certificate.serial_number:X}"
    return {
        "subject": certificate.subject.rfc4514_string(),
        "issuer": certificate.issuer.rfc4514_string(),
        "serial_number": "0" * (len(serial) % 2) + serial,
        "not_before": certificate.not_valid_before_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "not_after": certificate.not_valid_after_utc.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "subject_alt_names": names,
        "key_bits": key.key_size,  # type: ignore[union-attr]
        "sha256_fingerprint": certificate.fingerprint(hashes.SHA256()).hex(),
        "public_key_sha256": hashlib.sha256(spki).hexdigest(),
        "self_signed": certificate.subject == certificate.issuer,
    }


def facts_of(identity: IdentityFiles) -> list[dict[str, Any]]:
    return [as_cryptography_reads(found) for found in x509.load_pem_x509_certificates(identity.chain.read_bytes())]


@pytest.mark.parametrize("validate_certs", [True, False])
@pytest.mark.parametrize("name", ["relay", "expired", "wrong_name", "seven_days", "rsa"])
def test_the_chain_is_told_as_it_was_sent(
    check: Check, postfix: Postfix, pki: Pki, name: str, validate_certs: bool
) -> None:
    tls = check(postfix.ports[LISTENER_OF.get(name, name)], validate_certs=validate_certs)["tls"]
    expected = facts_of(getattr(pki, name))
    assert len(tls["chain"]) == 2  # the leaf and the intermediate
    for told, fact in zip(tls["chain"], expected, strict=True):
        assert {**told, "key_bits": told["public_key"]["bits"]} == {**told, **fact}
    assert tls["certificate"] == tls["chain"][0]
    assert tls["certificate"]["public_key"]["algorithm"] == ("RSA" if name == "rsa" else "EC")


@pytest.mark.parametrize(("purpose", "cause"), BAD_CERTIFICATES)
def test_a_bad_certificate_ends_the_session(check: Check, postfix: Postfix, purpose: str, cause: str) -> None:
    log = Log(postfix.log)
    report = check(
        postfix.ports[purpose], source_address=log.client, sender="a@elsewhere.test", recipients=[servers.ACCEPTED]
    )
    assert outcome(report) == ("failed", cause)
    assert (report["stage"], report["tls"]["verified"], report["tls"]["verify_errors"]) == ("tls", False, [cause])
    assert verbs(report) == UP_TO_TLS
    assert report["recipients"] == []
    assert "ehlo=1 starttls=0/1 commands=1/2" in log.wait_for("disconnect from")  # nothing was said in clear afterwards


@pytest.mark.parametrize(("purpose", "cause"), BAD_CERTIFICATES)
def test_a_bad_certificate_is_reported_where_it_need_not_be_valid(
    check: Check, postfix: Postfix, purpose: str, cause: str
) -> None:
    report = check(
        postfix.ports[purpose], validate_certs=False, sender="a@elsewhere.test", recipients=[servers.ACCEPTED]
    )
    assert outcome(report) == PASSED
    assert (report["tls"]["verified"], report["tls"]["verify_errors"]) == (False, [cause])
    assert report["recipients"][0]["outcome"] == "accepted"


def test_an_unknown_authority(check: Check, postfix: Postfix, pki: Pki) -> None:
    # A leaf is no authority over others: nothing here leads from it to the relay's.
    for validate_certs in (True, False):
        report = check(postfix.ports["mx"], ca_path=str(pki.client.certificate), validate_certs=validate_certs)
        assert outcome(report) == (("failed", "certificate_issuer_not_found") if validate_certs else PASSED)
        assert report["tls"]["verify_errors"] == ["certificate_issuer_not_found"]


def test_every_fault_of_a_certificate_is_told(check: Check, postfix: Postfix) -> None:
    report = check(postfix.ports["expired"], tls_server_name="other.example")
    assert outcome(report)[0] == "failed"
    assert set(report["tls"]["verify_errors"]) == {"certificate_expired", "certificate_name_mismatch"}


def test_the_name_to_verify(check: Check, postfix: Postfix) -> None:
    report = check(postfix.ports["wrong_name"], tls_server_name="other.example")
    assert (outcome(report), report["tls"]["server_name"]) == (PASSED, "other.example")
    assert outcome(check(postfix.ports["mx"], tls_server_name="MX1.lab.test.")) == PASSED
    assert outcome(check(postfix.ports["mx"], tls_server_name="mx2.lab.test"))[1] == "certificate_name_mismatch"


def test_days_left(check: Check, postfix: Postfix) -> None:
    # Negative once it is over: the one that ended a day ago is in its second day.
    for purpose, days in (("seven_days", [7]), ("expired", [-2, -1]), ("mx", [728, 729])):
        assert check(postfix.ports[purpose], validate_certs=False)["tls"]["certificate"]["days_left"] in days
    assert outcome(check(postfix.ports["seven_days"], expect={"certificate_days_left": 7})) == PASSED
    report = check(postfix.ports["seven_days"], expect={"certificate_days_left": 8})
    assert outcome(report) == ("failed", "rule_unmet")
    assert report["rules"][0]["observed"] == 7


def test_rsa_with_tls_1_2_only(check: Check, postfix: Postfix) -> None:
    tls = check(postfix.ports["rsa_tls12"])["tls"]
    assert (tls["version"], tls["verified"]) == ("TLSv1.2", True)
    assert tls["certificate"]["public_key"] == {"algorithm": "RSA", "bits": 2048}
    assert tls["certificate"]["signature_algorithm"].lower().startswith("ecdsa")  # by its issuer's key
    report = check(postfix.ports["rsa_tls12"], tls_min_version="TLSv1.3")
    assert outcome(report) == ("failed", "tls_version_mismatch")


def test_no_cipher_in_common(check: Check, postfix: Postfix) -> None:
    report = check(postfix.ports["mx"], tls_max_version="TLSv1.2", tls_ciphers="ECDHE+aRSA")
    assert outcome(report) == ("failed", "tls_cipher_mismatch")


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_the_version_asked_for(check: Check, postfix: Postfix, exim: Exim, version: str) -> None:
    for port in (postfix.ports["mx"], exim.ports["smtp"]):
        report = check(port, tls_min_version=version, tls_max_version=version)
        assert (outcome(report), report["tls"]["version"]) == (PASSED, version)


@pytest.mark.parametrize(
    ("purpose", "group", "logged"),
    [("mx", "x25519", "X25519"), ("own_preferences", "secp384r1", "ECDHE (secp384r1)")],
)
def test_version_cipher_and_group_are_those_in_the_relays_log(
    check: Check, postfix: Postfix, purpose: str, group: str, logged: str
) -> None:
    for version in ("TLSv1.2", "TLSv1.3"):
        log = Log(postfix.log)
        tls = check(postfix.ports[purpose], source_address=log.client, tls_max_version=version)["tls"]
        assert (tls["version"], tls["group"]) == (version, group)
        text = log.wait_for("TLS connection established from")
        assert f"{version} with cipher {tls['cipher']} ({tls['bits']}/{tls['bits']} bits)" in text
        if version == "TLSv1.3":  # of older ones Postfix does not tell the group
            assert f"key-exchange {logged} server-signature" in text


@pytest.mark.parametrize(("ciphers", "algorithm"), [("ECDHE+aRSA", "RSA"), ("ECDHE+ECDSA", "EC")])
def test_the_certificate_for_the_ciphers_asked_for(
    check: Check, postfix: Postfix, ciphers: str, algorithm: str
) -> None:
    tls = check(postfix.ports["rsa_and_ecdsa"], tls_max_version="TLSv1.2", tls_ciphers=ciphers)["tls"]
    assert tls["certificate"]["public_key"]["algorithm"] == algorithm
    assert ("ECDSA" in tls["cipher"]) is (algorithm == "EC")


def test_tls_is_required_before_mail(check: Check, postfix: Postfix) -> None:
    envelope = {"sender": "a@elsewhere.test", "recipients": [servers.ACCEPTED]}
    report = check(postfix.ports["tls_required"], tls="none", **envelope)
    assert outcome(report) == ("failed", "tls_required")
    assert (report["stage"], report["failure"]["code"], report["failure"]["enhanced_code"]) == ("mail", 530, "5.7.0")
    assert "starttls" in report["failure"]["hint"]
    for tls in ("starttls", "opportunistic"):
        assert outcome(check(postfix.ports["tls_required"], tls=tls, **envelope)) == PASSED


# Client certificates


@pytest.mark.parametrize("purpose", ["client_certificate_asked", "client_certificate_required"])
def test_a_client_certificate_is_shown(check: Check, postfix: Postfix, pki: Pki, purpose: str) -> None:
    log = Log(postfix.log)
    certificate = {"client_cert": str(pki.client.chain), "client_key": str(pki.client.key)}
    report = check(postfix.ports[purpose], source_address=log.client, **certificate)
    assert outcome(report) == PASSED
    assert "Trusted TLS connection established from" in log.wait_for("disconnect from")


def test_a_client_certificate_that_is_only_asked_for_may_be_missing(check: Check, postfix: Postfix) -> None:
    log = Log(postfix.log)
    assert outcome(check(postfix.ports["client_certificate_asked"], source_address=log.client)) == PASSED
    assert "Anonymous TLS connection established from" in log.wait_for("disconnect from")


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_a_client_certificate_that_is_required(check: Check, postfix: Postfix, version: str) -> None:
    report = check(postfix.ports["client_certificate_required"], tls_max_version=version)
    assert outcome(report) == ("failed", "client_certificate_required")
    assert report["tls"]["verified"] is True
    assert "Set client_cert" in report["failure"]["hint"]


def test_a_client_certificate_of_a_strange_authority(
    check: Check, postfix: Postfix, strange_client: tuple[str, str]
) -> None:
    certificate, key = strange_client
    report = check(postfix.ports["client_certificate_required"], client_cert=certificate, client_key=key)
    assert outcome(report) == ("failed", "client_certificate_rejected")
    report = check(postfix.ports["client_certificate_asked"], client_cert=certificate, client_key=key)
    assert outcome(report) == PASSED


@pytest.fixture
def strange_client(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """A client certificate and its key, from an authority that no relay here knows."""
    import trustme

    folder = tmp_path_factory.mktemp("strange")
    made = trustme.CA().issue_cert("user@lab.test")
    made.cert_chain_pems[0].write_to_path(str(folder / "certificate.pem"))
    made.private_key_pem.write_to_path(str(folder / "key.pem"))
    return str(folder / "certificate.pem"), str(folder / "key.pem")


# Opportunistic


def test_opportunistic_where_tls_is_offered(check: Check, postfix: Postfix) -> None:
    report = check(postfix.ports["mx"], tls="opportunistic")
    assert (outcome(report), report["tls"]["verified"]) == (PASSED, True)


@pytest.mark.parametrize(("purpose", "cause"), BAD_CERTIFICATES)
def test_opportunistic_judges_a_certificate_and_goes_on(
    check: Check, postfix: Postfix, purpose: str, cause: str
) -> None:
    report = check(postfix.ports[purpose], tls="opportunistic")
    assert outcome(report) == PASSED
    assert (report["tls"]["verified"], report["tls"]["verify_errors"]) == (False, [cause])


def test_opportunistic_where_tls_is_not_offered(check: Check, postfix: Postfix) -> None:
    envelope = {"sender": "a@elsewhere.test", "recipients": [servers.DISCARDED]}
    report = check(postfix.ports["auth_in_clear"], tls="opportunistic", stop_after="mail", **envelope)
    assert (outcome(report), report["tls"]) == (PASSED, None)
    assert report["warnings"] == ["TLS was not used: the relay does not offer STARTTLS."]
    report = check(postfix.ports["auth_in_clear"], **envelope)
    assert outcome(report) == ("failed", "tls_not_offered")
    assert verbs(report) == ["EHLO", "QUIT"]


def test_opportunistic_with_credentials_wants_a_good_certificate(check: Check, postfix: Postfix) -> None:
    report = check(postfix.ports["expired"], tls="opportunistic", username=servers.USERNAME, password=servers.PASSWORD)
    assert outcome(report) == ("failed", "certificate_expired")
    assert verbs(report) == UP_TO_TLS


def test_facts_do_not_depend_on_who_verifies(check: Check, postfix: Postfix, exim: Exim) -> None:
    # A handshake that verifies, and one that does not and is judged afterwards, tell the same.
    for port in (postfix.ports["mx"], postfix.ports["rsa_tls12"], exim.ports["smtp"]):
        assert check(port)["tls"] == check(port, validate_certs=False)["tls"]
