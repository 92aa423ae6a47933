# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What holds of every format, and the lists of formats that had to be written once more.

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

pytest.importorskip("ansible", reason="ansible-core is not installed for this Python")

import yaml

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats import register
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._formats.register import FORMATS, extensions
from ansible_collections.postmaster.mailcheck.tests.support.assessments import mixed
from ansible_collections.postmaster.mailcheck.tests.support.sweeps import DAY, result

COLLECTION = Path(register.__file__).parents[3]
WRITERS: dict[str, Callable[..., str]] = {
    "stable": lambda assessment: FORMATS["json"].write(assessment, stable=True),
    **{name: one.write for name, one in FORMATS.items()},
}


@pytest.mark.parametrize("name", WRITERS)
def test_equal_assessments_give_equal_text(name: str) -> None:
    assert WRITERS[name](mixed()) == WRITERS[name](mixed())


@pytest.mark.parametrize("name", WRITERS)
def test_an_empty_fleet_can_be_written(name: str) -> None:
    text = WRITERS[name](assess(result(), today=DAY))
    assert text.strip()


@pytest.mark.parametrize("name", WRITERS)
def test_every_text_can_be_encoded(name: str) -> None:
    # The engine shows controls as escapes; labels and waivers come from the caller as they are.
    given = mixed("nul \0 bell \x07 escape \x1b[31m lone \ud800 far \U0001f4e7 line\nend")
    assert WRITERS[name](given).encode("utf-8", "strict")


# Lists that had to be written once more


def role(path: str) -> Any:
    return yaml.safe_load((COLLECTION / "roles/compliance" / path).read_text(encoding="utf-8"))


def test_the_role_offers_every_format_that_has_a_file() -> None:
    documented = role("meta/argument_specs.yml")["argument_specs"]["main"]["options"]["compliance_reports"]
    assert documented["choices"] == documented["default"] == list(extensions())


def test_each_format_has_a_file_and_an_extension_of_its_own() -> None:
    assert len(set(extensions().values())) == len(extensions())
    folder = Path(register.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} == {*FORMATS, "register", "templates", "words"}
