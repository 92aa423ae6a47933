# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: what the options of swaks are called here. A test reads each line with the parser of `mailcheck check`.

from __future__ import annotations

from typing import TYPE_CHECKING

from postmaster_mailcheck.views.lines import Line, text

if TYPE_CHECKING:
    from typing import Dict, Iterator

# An option of swaks -> the words of `mailcheck check`, or why there are none.
SWAKS: Dict[str, str] = {
    "--server HOST": "HOST, the first word",
    "--port PORT": "-p PORT, or HOST:PORT",
    "--to ADDRESS": "--to ADDRESS",
    "--from ADDRESS": "--from ADDRESS",
    "--helo NAME": "--ehlo-name NAME",
    "--tls": "--tls starttls",
    "--tls-optional": "--tls opportunistic",
    "--tls-on-connect": "--tls implicit",
    "--tls-verify": "",
    "--tls-ca-path FILE": "--ca-path FILE",
    "--tls-cert FILE": "--client-cert FILE",
    "--tls-key FILE": "--client-key FILE",
    "--tls-cipher SUITES": "--tls-ciphers SUITES",
    "--tls-protocol tlsv1_2": "--tls-min-version TLSv1.2 --tls-max-version TLSv1.2",
    "--tls-sni NAME": "--tls-server-name NAME",
    "--auth-user NAME": "--user NAME",
    "--auth-password": "--user NAME --ask-password",
    "--auth CRAM-MD5": "--user NAME --auth-mechanisms CRAM-MD5",
    "--protocol LMTP": "--protocol lmtp",
    "--socket PATH": "PATH, the first word, with --protocol lmtp",
    "--quit-after RCPT": "--stop-after rcpt",
    "--header 'Subject: x'": "--send --test-message subject=x",
    "--body TEXT": "--send --test-message body=TEXT",
    "--attach FILE": '--send --test-message \'{"attachments": [{"path": "FILE"}]}\'',
    "--data FILE": "--send --test-message file=FILE",
    "--timeout 30s": "--timeout 30",
    "--local-interface ADDRESS": "--source-address ADDRESS",
    "--xclient-addr ADDRESS": "--xclient ADDR=ADDRESS",
    "--xclient-helo NAME": "--xclient HELO=NAME",
    "--proxy-version 2": "--proxy-protocol source_address=ADDRESS",
    "--prdr": "--prdr",
    "--silent": "-q",
}
_REMARKS = {
    "--tls-verify": "certificates are verified unless --no-validate-certs is said",
    "--tls": "so it is, unless said otherwise",
    "--auth-password": "or the variable MAILCHECK_PASSWORD: no secret is an argument",
}
_COLUMN = 30


def swaks_lines() -> Iterator[Line]:
    yield text("What options of swaks are called in `mailcheck check`:")
    yield Line()
    for theirs, ours in SWAKS.items():
        remark = _REMARKS.get(theirs.partition(" ")[0], "")
        said = " ".join(filter(None, (ours, "(%s)" % remark if ours and remark else remark)))
        yield Line((("  " + theirs.ljust(_COLUMN), "bold"), (said, "")), _COLUMN + 2)
    yield Line()
    yield text("Nothing is sent without --send: the check ends after RCPT, as with swaks --quit-after RCPT.")
