/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Settings of the kernel: files of one line in /proc/sys and /sys. */
#ifndef HMMD_TESTS_DRIVER_SETTING_H
#define HMMD_TESTS_DRIVER_SETTING_H

#include <stddef.h>

/* What the file says, "" if there is none. */
void setting_get(const char *path, char *text, size_t bytes);
/* 0 or -errno */
int setting_put(const char *path, const char *text);

#endif
