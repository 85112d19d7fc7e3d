/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the files of the doctor write their lines. */
#ifndef HMMD_MECH_CAPABILITY_OWN_H
#define HMMD_MECH_CAPABILITY_OWN_H

#include "daemon/mech/doors.h"

void doctor_say(struct doctor_line *line, enum doctor_state state, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void doctor_remedy(struct doctor_line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The first line of a file; -errno. */
int doctor_read(const char *path, char *ret, size_t size);

/* capability_driver.c */
void doctor_driver(struct doctor_line *line);
/* By the contents of sig_enforce and of lockdown, "" where the kernel has none. */
bool doctor_signed_only(const char *enforce, const char *lockdown);

/* capability_memory.c */
void doctor_hugetlb(struct doctor_line *line);
void doctor_thp(struct doctor_line *line);
void doctor_numa(struct doctor_line *line);
void doctor_swap(struct doctor_line *line);
void doctor_damon(struct doctor_line *line);

#endif
