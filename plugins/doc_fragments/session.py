# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    # Documents TLS_OPTIONS and SIGN_IN_OPTIONS of plugins/module_utils/_net/options.py.
    DOCUMENTATION = r"""
options:
  validate_certs:
    description:
      - With V(false) the certificate is still judged and reported (C(tls.verified), C(tls.verify_errors)), but a
        certificate that is not accepted does not stop the session. Credentials are sent all the same, with a
        warning.
    type: bool
    default: true
  tls_server_name:
    description:
      - The name to ask for in TLS (SNI), which the certificate must be valid for.
      - If not set, it is C(host).
    type: str
  tls_min_version:
    description:
      - The oldest TLS version to accept. Versions before V(TLSv1.2) also allow the old ciphers and key exchanges that
        come with them, which is for looking at old servers only. Certificates must be as strong as ever, see
        O(tls_ciphers).
      - This is what is offered. What a relay's session must turn out to be is the rule C(tls_version_min) of C(expect).
    type: str
    choices: [TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
    default: TLSv1.2
  tls_max_version:
    description:
      - The newest TLS version to accept. If not set, there is no limit.
    type: str
    choices: [TLSv1, TLSv1.1, TLSv1.2, TLSv1.3]
  tls_ciphers:
    description:
      - The cipher suites to offer for TLS 1.2 and older, as OpenSSL writes them.
      - If not set, the suites of RFC 9325 and the few that older servers need besides, the same on every platform.
      - Keys and signatures of certificates need at least 112 bits of security (RSA 2048, SHA-256), on every platform.
        A level among the suites, such as V(ECDHE+AESGCM:@SECLEVEL=0), changes that; at level 0 RSA 1024 and SHA-1 are
        accepted too.
    type: str
  client_cert:
    description:
      - A PEM file with the certificate to show if the server asks for one, and with its chain.
    type: path
  client_key:
    description:
      - A PEM file with the key of O(client_cert). If not set, the key is looked for in O(client_cert).
    type: path
  client_key_password:
    description:
      - The password of O(client_key).
    type: str
  username:
    description:
      - Sign in as this user, with O(password) or O(access_token). With V(EXTERNAL), the user to act as; if not set, the
        one whom O(client_cert) names.
      - Credentials are sent once, inside verified TLS only. See O(validate_certs) and O(allow_plaintext_auth).
    type: str
  password:
    description:
      - The password to sign in with. It is tried once; after a refusal nothing is tried again, so that no account
        gets locked.
    type: str
  access_token:
    description:
      - The OAuth 2.0 access token to sign in with, by OAUTHBEARER or XOAUTH2. Excludes O(password).
    type: str
  auth_mechanisms:
    description:
      - The SASL mechanisms to use, best first. Known are V(SCRAM-SHA-256-PLUS), V(SCRAM-SHA-1-PLUS),
        V(SCRAM-SHA-256), V(SCRAM-SHA-1), V(CRAM-MD5), V(OAUTHBEARER), V(XOAUTH2), V(PLAIN), V(LOGIN), V(EXTERNAL),
        V(ANONYMOUS).
      - If not set, the first that the server offers and the credentials fit, in this order. The C(-PLUS) mechanisms,
        V(EXTERNAL) (which needs O(client_cert)) and V(ANONYMOUS) are used only when named here.
      - The C(-PLUS) mechanisms bind the sign-in to the server's certificate (C(tls-server-end-point), RFC 5929). In TLS
        1.3 some servers bind C(tls-exporter) alone, which Python's standard library does not have, and refuse it.
    type: list
    elements: str
  allow_plaintext_auth:
    description:
      - Send credentials without TLS, if O(tls) leads there. Whoever can read the network can read them.
    type: bool
    default: false
"""
