# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Every probe there is, in the order in which they are made: what may have the relay ban us comes last.

from __future__ import annotations

from .probes.around_starttls import STARTTLS_INJECTION, STARTTLS_PLAINTEXT
from .probes.conformance import EIGHTBIT, PIPELINING, RECIPIENT_LIMIT, SIZE, UNKNOWN_COMMAND
from .probes.first_look import BANNER, CERTIFICATE, STARTTLS
from .probes.lines import BARE_LF, LONG_LINE, NUL
from .probes.ntlm import NTLM_NAMES
from .probes.oracles import EXPN, RCPT, VRFY
from .probes.relaying import RELAYING
from .probes.sign_in import AUTH_ATTEMPTS, AUTH_BEGUN_IN_CLEAR, AUTH_OFFERED_IN_CLEAR
from .probes.smuggling import SMUGGLING
from .probes.sslyze import BROKEN_SUITES, CCS_INJECTION, COMPRESSION, HEARTBLEED, RENEGOTIATION, ROBOT, SSL_VERSIONS
from .probes.suites import UNPROTECTED_SUITES
from .probes.tls_versions import TLS_VERSIONS

PROBES = {
    probe.name: probe
    for probe in (
        BANNER, STARTTLS, CERTIFICATE, AUTH_OFFERED_IN_CLEAR, PIPELINING, EIGHTBIT, TLS_VERSIONS, UNPROTECTED_SUITES,
        AUTH_BEGUN_IN_CLEAR, STARTTLS_INJECTION, STARTTLS_PLAINTEXT, NTLM_NAMES, SIZE, UNKNOWN_COMMAND, NUL, LONG_LINE,
        BARE_LF, VRFY, EXPN, RCPT, RECIPIENT_LIMIT, RELAYING, SMUGGLING, AUTH_ATTEMPTS, ROBOT, HEARTBLEED,
        CCS_INJECTION, RENEGOTIATION, COMPRESSION, BROKEN_SUITES, SSL_VERSIONS,
    )
}  # fmt: skip
