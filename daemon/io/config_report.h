/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All that is wrong with a configuration, and, apart from it, what is only odd: a line each, with its place. */
#ifndef HMMD_IO_CONFIG_REPORT_H
#define HMMD_IO_CONFIG_REPORT_H

#include <stdarg.h>
#include <stddef.h>

enum { CONFIG_LINES = 16 * 1024 };	/* bytes; what comes after is counted */

struct config_lines {
	char text[CONFIG_LINES];	/* each line ends with \n */
	size_t size;
	unsigned int n;			/* also those that had no room */
};
struct config_report {
	struct config_lines errors, warnings;
};

void config_report_init(struct config_report *r);
/* file NULL: about none; line 0: about the whole file. */
void config_lines_add(struct config_lines *l, const char *file, unsigned int line, const char *format, va_list args);
void config_lines_addf(struct config_lines *l, const char *file, unsigned int line, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
/* Whole lines, as many as fit, without the last \n, and how many more there are. */
void config_lines_say(const struct config_lines *l, char *buf, size_t size);
/* Each line by itself; those that had no room as one that counts them. */
typedef void config_line_fn(void *userdata, const char *line);
void config_lines_each(const struct config_lines *l, config_line_fn *fn, void *userdata);

#endif
