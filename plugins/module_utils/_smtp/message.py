# Copyright (c) 2026 postmaster.mailcheck contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# The test message: composed from options, or a raw file sent as it is.
#
# Whatever the source, its blocks pass one generator which sees to it that every line ends in CRLF and that
# no bare CR or LF gets out (a relay that takes one for a line end can be made to see a second message). It
# runs once to measure and again to send, so that a file of any size is never held whole. What was measured is
# announced (SIZE, BODY, BDAT): a file that has become another since ends the sending before its last block,
# for octets beyond those announced would be read as commands. Dots are stuffed elsewhere.
#
# The body's MIME parts come from the standard library's `email`, imported when a message is composed. The
# header is written here: `email` parses structured fields and writes them anew, which loses what it does not
# understand, and a checker's odd addresses must pass as they are.

from __future__ import annotations

import functools
import itertools
import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from .._errors import OptionError
from .._net.text import decode

if TYPE_CHECKING:
    from email.message import EmailMessage
    from io import FileIO
    from typing import Any, Callable, Dict, Iterator, List, Mapping, Optional, Sequence, Tuple

    Blocks = Callable[[], Iterator[bytes]]

# What is read at a time: blocks of 64 KiB, with room for a CR held back from the block before.
READ_OCTETS = 60 * 1024
# RFC 5322 2.1.1, without the line end.
MAX_LINE_OCTETS = 998

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

# Patterns are compiled where they are used: most checks send no message.
_HEADER_NAME = "[!-9;-~]+"
_MEDIA_TYPE = "[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+"
# Line ends of every kind, other controls but the tab, and the lone surrogates of octets that are not UTF-8.
_NOT_IN_HEADERS = "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]"
_NOT_IN_TEXTS = "[\x00\ud800-\udfff]"
_BARE = rb"\r(?!\n)|(?<!\r)\n"
_MESSAGE_ID = rb"(?im)^message-id:[ \t]*(?:\r\n[ \t]+)?([^\r\n]+)"
# Where non-ASCII may stand in an address, which encoded words must not touch (RFC 2047 5).
_ADDRESS_HEADERS = ("from", "sender", "reply-to", "to", "cc", "resent-from", "resent-to", "message-id")
_MIME_HEADERS = ("mime-version", "content-type", "content-transfer-encoding")
_NEVER_SENT = ("bcc", "resent-bcc")


class MessageError(OptionError, ValueError):
    """A message that cannot be sent as asked for: the caller's mistake. `option` names what to change."""


class Message(NamedTuple):
    """A message that is ready to go.

    `token`: what finds it again (header X-Mailcheck-Token), None for a raw file. `size`: octets with CRLF
    line ends, before dots are stuffed (RFC 1870 4). `eightbit`: needs 8BITMIME. `smtputf8`: its header
    needs SMTPUTF8. `blocks()`: the content in blocks of at most 64 KiB, the last ending in CRLF: never more than
    `size` octets, and no fewer unless it raises. For a file this opens it again: MessageError, before or
    between the blocks, where it is gone or is no longer what was measured.
    """

    message_id: Optional[str]
    token: Optional[str]
    size: int
    eightbit: bool
    smtputf8: bool
    blocks: Blocks


def build_message(
    options: Mapping[str, Any], sender: str, recipients: Sequence[str], domain: str, now: float, token: str
) -> Message:
    """Return the message that `options` (the suboptions of `test_message`) describe. Raises MessageError.

    `domain`: what stands behind the @ of the Message-ID. `now`: seconds since the epoch, for Date.
    """
    if options.get("file"):
        return _raw(options)
    fields = _fields(options, sender, recipients, domain, now, token)
    header = b"".join(_header_line(option, name, value) for option, name, values in fields.values() for value in values)
    blocks = functools.partial(_slices, header + _body(options, token))
    ids = [next(iter(fields[key][2]), None) for key in ("message-id", "x-mailcheck-token")]
    return _measured("test_message", blocks, False)._replace(message_id=ids[0], token=ids[1])


def _raw(options: Mapping[str, Any]) -> Message:
    for other in ("subject", "body", "html", "headers", "attachments", "probe"):
        if options.get(other):
            raise MessageError("test_message.file", "the file is sent as it is: leave out test_message.%s" % other)
    normalise = bool(options.get("normalise_line_endings"))
    with _opened(options["file"], "test_message.file") as file:
        source = functools.partial(_file_blocks, options["file"], _written_at(file), normalise)
    return _measured("test_message.file", source, normalise)


def _measured(option: str, source: Blocks, normalise: bool) -> Message:
    """Return the message that `source` gives, without a token."""
    size, isascii, header = 0, True, b""

    def blocks() -> Iterator[bytes]:
        left = size
        for block in _with_crlf(option, source(), normalise):
            left -= len(block)
            if left < 0 or (isascii and not block.isascii()):
                raise _changed(option)
            yield block
        if left:
            raise _changed(option)

    for block in _with_crlf(option, source(), normalise):
        if not size:
            # A header longer than a block is taken by hardly any relay.
            header = (b"\r\n" + block).partition(b"\r\n\r\n")[0]
        size += len(block)
        isascii = isascii and block.isascii()
    found = re.search(_MESSAGE_ID, header)
    message_id = decode(found.group(1)).strip() if found else None
    return Message(message_id, None, size, not isascii, not header.isascii(), blocks)


def _with_crlf(option: str, source: Iterator[bytes], normalise: bool) -> Iterator[bytes]:
    """Yield the blocks of `source` with nothing but CRLF for line ends, and one at the very end.

    Raises MessageError at a bare CR or LF, unless they are to be converted. A CR at a block's end waits for
    the next block. A missing last line end is completed and not refused: the dot needs one before it (RFC
    5321 4.1.1.4), every client adds it, and no line can be told apart by it.
    """
    held, last, line = b"", b"", 1
    for part in itertools.chain(source, (b"",)):
        block = held + part
        held = block[-1:] if part and block.endswith(b"\r") else b""
        block = block[: len(block) - len(held)]
        if normalise:
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        ends = block.count(b"\r\n")
        if block.count(b"\r") != ends or block.count(b"\n") != ends:
            raise MessageError(option, _bare_line_end(block, line))
        line += ends
        if block:
            last = block
            yield block
    if not last.endswith(b"\r\n"):
        yield b"\r\n"


def _bare_line_end(block: bytes, line: int) -> str:
    """Say where in `block`, which begins in the given line, the first bare CR or LF stands."""
    found = re.search(_BARE, block)
    start = found.start() if found else 0
    kind = "CR" if block[start : start + 1] == b"\r" else "LF"
    remedy = "write it with CRLF line ends, or set test_message.normalise_line_endings to true"
    return "line %d ends in a bare %s: %s" % (line + block.count(b"\r\n", 0, start), kind, remedy)


def _slices(content: bytes) -> Iterator[bytes]:
    for start in range(0, len(content), READ_OCTETS):
        yield content[start : start + READ_OCTETS]


def _file_blocks(path: str, written_at: int, normalise: bool) -> Iterator[bytes]:
    """Yield the content of a raw message, in smaller blocks where converted line ends may double them.

    Raises MessageError where it was written to after `written_at`, before its first block or after its last.
    """
    size = READ_OCTETS // 2 if normalise else READ_OCTETS
    with _opened(path, "test_message.file") as file:
        if _written_at(file) == written_at:
            yield from iter(functools.partial(file.read, size), b"")
        if _written_at(file) != written_at:
            raise _changed("test_message.file")


def _written_at(file: FileIO) -> int:
    return os.fstat(file.fileno()).st_mtime_ns


def _changed(option: str) -> MessageError:
    return MessageError(option, "the file has changed since it was measured: name one that nobody writes to meanwhile")


def _opened(path: str, option: str) -> FileIO:
    """Return the file, open. MessageError unless it is regular (a pipe may make us wait) and has content."""
    try:
        status = os.stat(path)
        file = open(path, "rb", buffering=0) if stat.S_ISREG(status.st_mode) else None
    except (OSError, ValueError) as error:
        text = "cannot be read on the host where the check runs (%s): correct the path or the permissions"
        raise MessageError(option, text % getattr(error, "strerror", error)) from None
    if file is None:
        raise MessageError(option, "is not a regular file: name a file")
    if not status.st_size:
        file.close()
        raise MessageError(option, "is empty: name a file with content")
    return file


def _fields(
    options: Mapping[str, Any], sender: str, recipients: Sequence[str], domain: str, now: float, token: str
) -> Dict[str, Tuple[str, str, List[str]]]:
    """Return lower-case name -> option behind it, name, values. The caller's headers come last and win."""
    from datetime import datetime, timezone
    from email.utils import format_datetime

    # One recipient is shown. Of several none learns of the others.
    to = recipients[0] if len(recipients) == 1 else "undisclosed-recipients:;"
    subject = options.get("subject")
    fields = {
        name.lower(): (option, name, [value])
        for option, name, value in (
            ("now", "Date", format_datetime(datetime.fromtimestamp(int(now), timezone.utc))),
            ("sender", "From", sender or "MAILER-DAEMON@%s" % domain),
            ("recipients", "To", to),
            ("test_message.subject", "Subject", "Mail relay check %s" % token if subject is None else subject),
            ("ehlo_name", "Message-ID", "<%s@%s>" % (token, domain)),
            ("message", "X-Mailcheck-Token", token),
            ("message", "Auto-Submitted", "auto-generated"),
        )
    }
    for given_name, given in (options.get("headers") or {}).items():
        name = str(given_name)
        key = name.lower()
        if not re.fullmatch(_HEADER_NAME, name):
            raise MessageError("test_message.headers", "hold a name that is no header name (RFC 5322 2.2)")
        if key in _MIME_HEADERS:
            raise MessageError("test_message.headers", "%s follows from the content: leave it out" % name)
        values = given if isinstance(given, list) else [given]
        if any(isinstance(value, (dict, list)) or value is None for value in values):
            raise MessageError("test_message.headers", "%s must be a text or a list of texts" % name)
        if key not in _NEVER_SENT:
            fields[key] = ("test_message.headers", name, [str(value) for value in values])
    return fields


def _header_line(option: str, name: str, value: str) -> bytes:
    """Return one header field: ASCII as it is, anything else encoded (RFC 2047), long lines folded.

    An address that is not ASCII, or cannot be told, stays UTF-8 (RFC 6532), and the message needs SMTPUTF8.
    """
    if re.search(_NOT_IN_HEADERS, value):
        raise MessageError(option, "%s must not hold line ends or other control characters" % name)
    if not value.isascii() and name.lower() in _ADDRESS_HEADERS:
        from email.utils import formataddr, getaddresses

        pairs = getaddresses([value])
        if all(address and address.isascii() for _name, address in pairs):
            value = ",\r\n ".join(map(formataddr, pairs))
    elif not value.isascii() or len(name) + 2 + len(value) > MAX_LINE_OCTETS:
        from email.header import Header

        charset = "us-ascii" if value.isascii() else "utf-8"
        value = Header(value, charset, maxlinelen=76, header_name=name).encode(linesep="\r\n")
    lines = ("%s: %s\r\n" % (name, value)).encode("utf-8")
    if max(map(len, lines.split(b"\r\n"))) > MAX_LINE_OCTETS:
        raise MessageError(option, "%s is longer than a line may be (%d octets)" % (name, MAX_LINE_OCTETS))
    return lines


def _body(options: Mapping[str, Any], token: str) -> bytes:
    """Return the MIME header fields, the empty line and the content."""
    from email.message import EmailMessage
    from email.policy import SMTP

    text = options.get("body")
    if text is None:
        text = "This message checks a mail relay; no answer is needed.\n\nToken: %s\n" % token
    if options.get("probe") == "gtube":
        text += "\n%s\n" % GTUBE
    # 7-bit by default: every relay takes it.
    eightbit = options.get("transfer_encoding") == "8bit"
    content = EmailMessage(policy=SMTP.clone(cte_type="8bit" if eightbit else "7bit"))
    content.set_content(_clean_text("test_message.body", text))
    if options.get("html"):
        content.add_alternative(_clean_text("test_message.html", options["html"]), subtype="html")
    for number, attachment in enumerate(options.get("attachments") or ()):
        _attach(content, attachment, "test_message.attachments[%d]" % number)
    if options.get("probe") == "eicar":
        content.add_attachment(_eicar(), "application", "octet-stream", filename="eicar.com")
    return content.as_bytes()


def _clean_text(option: str, text: str) -> str:
    if re.search(_NOT_IN_TEXTS, text):
        raise MessageError(option, "must be UTF-8 without NUL: attach other content by path")
    return text


def _attach(content: EmailMessage, attachment: Mapping[str, Any], option: str) -> None:
    """Add one attachment: `path` or `content`, and optionally `filename` and `content_type`."""
    from mimetypes import guess_type

    path, text = attachment.get("path"), attachment.get("content")
    if path is None and text is not None:
        data = _clean_text(option + ".content", text).encode("utf-8")
    elif path is not None and text is None:
        with _opened(path, option + ".path") as file:
            data = file.read()
    else:
        raise MessageError(option, "give either path or content")
    filename = attachment.get("filename") or (os.path.basename(path) if path else "attachment.txt")
    if re.search(_NOT_IN_HEADERS, filename):
        raise MessageError(option + ".filename", "must not hold line ends or other control characters")
    guessed, compression = guess_type(filename)
    media_type = attachment.get("content_type") or (not compression and guessed) or "application/octet-stream"
    if not re.fullmatch(_MEDIA_TYPE, media_type) or media_type.lower().startswith(("multipart/", "message/")):
        # These two kinds may not be sent in base64 (RFC 2045 6.4), as all attachments are.
        raise MessageError(option + ".content_type", "must be like text/plain, not of type multipart or message")
    maintype, subtype = media_type.split("/")
    parameters = {"charset": "utf-8"} if maintype == "text" and text is not None else None
    content.add_attachment(data, maintype, subtype, filename=filename, params=parameters)


def _eicar() -> bytes:
    """Return the EICAR test file, put together here: scanners flag whatever file holds it."""
    name = "-".join(("EICAR", "STANDARD", "ANTIVIRUS", "TEST", "FILE"))
    return ("X5O!P%%@AP[4\\PZX54(P^)7CC)7}$%s!$H+H*" % name).encode("ascii")
