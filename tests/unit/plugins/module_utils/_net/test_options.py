# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What conversations of any kind share: what no server is quoted with.

from __future__ import annotations

from base64 import b64encode

import pytest

from ansible_collections.postmaster.mailcheck.plugins.module_utils._errors import OptionError
from ansible_collections.postmaster.mailcheck.plugins.module_utils._net.options import (
    Credentials,
    secrets_of,
    with_defaults,
)

SECRET = "q7%x+Kz"


def base64(text):
    return b64encode(text.encode()).decode()


@pytest.mark.parametrize("length", range(1, len(SECRET) + 1))
@pytest.mark.parametrize("kind", ["password", "access_token"])
def test_a_short_secret_is_left_out_in_the_forms_in_which_it_is_said(kind, length):
    """As it is, as LOGIN says it, and as PLAIN does (RFC 4616 2)."""
    secret = SECRET[:length]
    secrets = secrets_of(Credentials(username="tim", **{kind: secret}))
    for form in (secret, base64(secret), base64("\0tim\0" + secret)):
        assert secrets.redacted("535 no: %s." % form) == "535 no: <redacted>."


@pytest.mark.parametrize("length", range(4, len(SECRET) + 1))
def test_a_short_secret_is_left_out_in_hexadecimal_and_in_a_url(length):
    secret = SECRET[:length]
    secrets = secrets_of(Credentials(username="tim", password=secret))
    for form in (secret.encode().hex(), secret.encode().hex().upper(), secret.replace("%", "%25").replace("+", "%2B")):
        assert secrets.redacted("535 no: %s." % form) == "535 no: <redacted>."


@pytest.mark.parametrize(
    "form",
    [
        "%22a%3D%5Cn%C3%A9%20%27%25",  # RFC 3986 2.1
        "%22a%3d%5cn%c3%a9%20%27%25",
        "%22a%3D%5Cn%C3%A9+%27%25",  # as forms are sent
        "\"a=3D\\n=C3=A9 '%",  # RFC 2045 6.7
        "\"a=3D\\n=C3=A9_'%",  # RFC 2047 4.2
        "=22a=3D=5Cn=C3=A9_=27=25",  # 5
        "\"a+3D\\n+C3+A9+20'%",  # RFC 3461 4
        "\"a=\\n\\303\\251 '%",  # Exim
        "\\\"a=\\\\n\\u00e9 '%",  # RFC 8259 7
        "\\\"a=\\\\n\u00e9 '%",  # as it is also sent by LOGIN (RFC 9051 4.3)
        "\"a=\\\\n\u00e9 \\'%",  # Python
        "\"a=\\\\n\\xc3\\xa9 \\'%",
    ],
)
def test_a_secret_is_left_out_as_it_stands_in_a_string(form):
    secret = "\"a=\\n\u00e9 '%"
    assert secrets_of(Credentials(username="tim", password=secret)).redacted("535 %s" % form) == "535 <redacted>"


@pytest.mark.parametrize(
    "secret, form",
    [
        ("blue fish tank", "blue+fish+tank"),
        ("my_own_key_9", "my=5Fown=5Fkey=5F9"),
        # Quoted-printable has 76 characters in a line, the relay's line more.
        ("\u65e5\u672c\u8a9e\u306e\u30d1\u30b9\u30ef\u30fc\u30c9",
         "=E6=97=A5=E6=9C=AC=E8=AA=9E=E3=81=AE=E3=83=91=E3=82=B9=E3=83=AF=E3=83=BC=E3=83=89"),
    ],
)  # fmt: skip
def test_no_word_of_a_secret_is_left_where_it_is_written_in_words(secret, form):
    assert secrets_of(Credentials(username="tim", password=secret)).redacted("535 %s" % form) == "535 <redacted>"


@pytest.mark.parametrize("before", ["", "a", "an", "anna\0"])
def test_a_secret_of_seven_octets_is_left_out_of_base64_whatever_stands_before_it(before):
    """Fewer may be chance there."""
    secrets = secrets_of(Credentials(username="tim", password=SECRET))
    said = base64(before + SECRET)
    told = secrets.redacted(said)
    begin, hidden, end = told.partition("<redacted>")
    assert hidden and said.startswith(begin) and said.endswith(end)
    assert len(begin) <= len(before) * 8 // 6 + 1 and len(end.rstrip("=")) <= 1


TABLE = {"since": {"type": "dict", "aliases": ["state"]}, "tries": {"type": "int", "default": 3}}


def test_an_option_has_its_other_names_too():
    assert with_defaults({"state": {"a": 1}}, TABLE) == {"since": {"a": 1}, "tries": 3}
    assert with_defaults({"state": {"a": 1}, "since": {"a": 1}}, TABLE) == {"since": {"a": 1}, "tries": 3}


def test_a_mistake_in_an_option_by_its_other_name_is_told_by_its_own():
    with pytest.raises(OptionError) as refused:
        with_defaults({"state": 5}, TABLE)
    assert refused.value.option == "since"
