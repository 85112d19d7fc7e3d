# SPDX-License-Identifier: GPL-2.0-or-later
lint_tests = \
	tests/lint/layers.sh \
	tests/lint/licences.sh \
	tests/lint/manuals.sh \
	tests/lint/purity.sh \
	tests/lint/readme.sh \
	tests/lint/size.sh \
	tests/lint/symbols.sh \
	tests/lint/units.sh

EXTRA_DIST += $(lint_tests) tests/lint/tap.sh tests/lint/layers.awk tests/lint/size.awk \
	tests/lint/pure.allow

if !INSTRUMENTED
TESTS += $(lint_tests)
endif
