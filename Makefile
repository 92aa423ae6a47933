# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Python 3.11+ and make are all it needs; everything else is fetched into .build/ (`make clean` removes it).
# Which python3: make PYTHON=python3.12 test
# What there is to run are the sessions of noxfile.py: `make NAME` is `nox -s NAME`, `make NAME ARGS=…` adds `-- …`.

PYTHON ?= python3
RUNNER := .build/runner-$(notdir $(PYTHON))
NOX := $(RUNNER)/bin/nox
REPORT := .build/report.json

help: $(NOX)
	@echo "make test    every session that is marked with * below; make NAME runs one"
	@echo "make clean   remove what was built"
	@$(NOX) --list

# All of them, even when one fails; the exit status tells.
test: $(NOX)
	@rm -f $(REPORT)
	@$(NOX) --report $(REPORT); failed=$$?; $(NOX) --list --json | $(PYTHON) tools/summary.py $(REPORT) && exit $$failed

clean:
	rm -rf .build dist tests/output

$(NOX): tools/nox.txt
	@$(PYTHON) -c 'import sys; sys.version_info < (3, 11) and sys.exit("Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	@rm -rf $(RUNNER)
	@$(PYTHON) -m venv $(RUNNER)
	@$(RUNNER)/bin/python -m pip install --quiet --disable-pip-version-check -r tools/nox.txt
	@touch $@

# Every other target is a session; FORCE, for folders have such names too.
%: FORCE $(NOX)
	@$(NOX) -s "$@" -- $(ARGS)

Makefile tools/nox.txt: ;

.PHONY: FORCE help test clean
