# Copyright (c) 2026 postmaster.mailcheck contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Python 3.11+ and make are all it needs; everything else is fetched into .build/ (`make clean` removes it).
# Which python3: make PYTHON=python3.12 test

PYTHON ?= python3
GATES := lint types units units-3.8 units-3.13 cli hostile hostile-3.8 hostile-3.13 compliance real sanity ansible-units playbooks targets docs changelog licences packages galaxy

.PHONY: help demo test bench coverage fuzz matrix mutants causes wheel format clean $(GATES)

help:
	@echo "make demo    a relay of our own, and a playbook that checks it"
	@echo "make test    every gate; one alone: make $(firstword $(GATES)), and so on: $(wordlist 2,99,$(GATES))"
	@echo "make bench   the benchmarks"
	@echo "make matrix  each ansible-core, controller and target Python found here (an hour); CORES=2.20 runs some"
	@echo "make coverage  which lines and branches of plugins/module_utils/ no test reaches"
	@echo "make mutants   which changes of the innermost files no test notices (half an hour); FILES=replies does one"
	@echo "make fuzz    a coverage-guided fuzzer on every parser, a minute each; FUZZ=\"--seconds 600 replies\" for one, longer"
	@echo "make causes  the page of causes, after a change to their table"
	@echo "make wheel   the wheel and the collection's tarball, into dist/"
	@echo "make format  ruff's fixes and layout"
	@echo "make clean   remove what was built"

test:
	@$(PYTHON) tools/gates.py

mutants:
	@$(PYTHON) tools/mutants.py $(FILES)

matrix:
	@$(PYTHON) tools/matrix.py $(CORES)

demo bench causes coverage fuzz wheel format $(GATES):
	@$(PYTHON) tools/gates.py $@

clean:
	rm -rf .build dist tests/output
