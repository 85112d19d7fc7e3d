/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service as systemd sees it: what systemctl does and says. */
#ifndef HMMD_TESTS_VM_UNIT_H
#define HMMD_TESTS_VM_UNIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define UNIT "hmmd.service"

/* Runs a shell command; its exit status, 128 + N for signal N. What it prints goes to ours. */
int unit_run(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The first line that a shell command prints, cut at size; "" when there is none. */
void unit_line(char *ret, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A property of hmmd.service. The text is valid until the next call. */
const char *unit_text(const char *property);
unsigned long unit_number(const char *property);
bool unit_is(const char *property, const char *value);
pid_t unit_pid(void);
/* It is active, and its main process is another than this one. */
bool unit_is_back(pid_t before);

#endif
