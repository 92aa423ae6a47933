# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# What the filters have in common: plain functions in, errors as Ansible shows them.

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING

from ansible.errors import AnsibleFilterError

from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._assessment import assess
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._profiles import ProfileError, type_of
from ansible_collections.postmaster.mailcheck.plugins.plugin_utils._shape import AssessmentError

if TYPE_CHECKING:
    from typing import Any, Callable


def checked(name: str, function: Callable[..., Any], kind: Any = dict) -> Callable[..., Any]:
    """Return `function` as a filter: what it cannot use is an error that names the filter, and shows no value."""

    @functools.wraps(function)
    def used(given: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            if not isinstance(given, kind):
                raise AssessmentError("this input is of no use here: it is of type %s" % type_of(given))
            return function(given, *args, **kwargs)
        except (AssessmentError, ProfileError) as error:
            raise AnsibleFilterError("postmaster.mailcheck.%s: %s" % (name, error)) from None
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            shape = "this input has not the shape of what the modules return, or of what report_json wrote"
            kind_of_error = type(error).__name__
            raise AnsibleFilterError("postmaster.mailcheck.%s: %s (%s)" % (name, shape, kind_of_error)) from None

    return used


def of_assessment(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, for a function of an assessment. The JSON that report_json wrote will do for it: one text is much
    quicker than to let Ansible look into each of a large fleet's values again. A module's result, or some of the rows
    of one, is assessed first, without profile or waivers.
    """

    def assessed(given: Any, *args: Any, **kwargs: Any) -> Any:
        return function(assess(_loaded(given)), *args, **kwargs)

    return checked(name, assessed, (dict, list, str))


def _loaded(given: Any) -> Any:
    if isinstance(given, list) and all(isinstance(row, dict) and "verdict" in row for row in given):
        return {"endpoints": given}
    try:
        loaded = json.loads(given) if isinstance(given, str) else given
    except (ValueError, RecursionError) as error:
        raise AssessmentError("the text is no JSON: %s" % error) from None
    if not isinstance(loaded, dict):
        raise AssessmentError("the text holds no assessment")
    return loaded
