/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logging: journal with fields under systemd (sd_journal_send), one line to stderr otherwise. Any thread. */
#ifndef HMMD_IO_LOG_H
#define HMMD_IO_LOG_H

enum log_level { LOG_LEVEL_ERROR = 3, LOG_LEVEL_WARNING = 4, LOG_LEVEL_INFO = 6, LOG_LEVEL_DEBUG = 7 };
void log_init(enum log_level max);
int log_level_parse(const char *text);	/* error warning info debug; -EINVAL */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* With journal fields: pairs of "NAME", "value", ended by NULL, after the message. */
void log_fields(enum log_level level, const char *message, ...) __attribute__((sentinel));

#endif
