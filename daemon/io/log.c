// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Logging. Under systemd stderr is a journal stream (JOURNAL_STREAM names its device and inode, so
 * a redirected stderr is not mistaken for it); then lines go to the journal's own socket and keep
 * their fields. Everywhere else one line goes to stderr in a single write, so threads do not mix.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION
#include <systemd/sd-journal.h>

#include "daemon/io/log.h"
#include "proto/text.h"

#define MESSAGE "MESSAGE="
enum {
	LOG_LINE = 1280,	/* bytes: the longest text of the protocol and its frame */
	LOG_HEAD = 80,		/* time, name and severity before it on stderr */
	LOG_FIELDS = 8,		/* journal fields of one line beside MESSAGE and PRIORITY */
	LOG_FIELD = 256		/* bytes of one field with its name */
};

static enum log_level max_level = LOG_LEVEL_INFO;	/* set before any thread starts */
static bool to_journal;					/* likewise */

static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	uint64_t dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%" SCNu64 ":%" SCNu64, &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_init(enum log_level max)
{
	max_level = max;
	to_journal = stderr_is_journal();
}

static const struct {
	const char *name;
	enum log_level level;
} names[] = {
	{ "error", LOG_LEVEL_ERROR }, { "warning", LOG_LEVEL_WARNING },
	{ "info", LOG_LEVEL_INFO }, { "debug", LOG_LEVEL_DEBUG },
};
enum { NAMES = sizeof(names) / sizeof(names[0]) };

int log_level_parse(const char *text)
{
	for (size_t i = 0; i < NAMES; i++)
		if (strcmp(names[i].name, text) == 0)
			return (int)names[i].level;
	return -EINVAL;
}

/* Whoever chose a part of it: no line of it is another's, and no terminal obeys it. */
static void clean(char *ret, size_t size, const char *text)
{
	text_escape(ret, size, text, "");
}

static const char *level_name(enum log_level level)
{
	size_t i = 0;

	while (i < NAMES - 1 && names[i].level != level)
		i++;
	return names[i].name;
}

/* The local time with its distance from UTC: logs of several machines are laid side by side. */
static void write_time(char *buf, size_t size)
{
	char zone[8];
	struct timespec now;
	struct tm tm;
	size_t n;

	clock_gettime(CLOCK_REALTIME, &now);
	localtime_r(&now.tv_sec, &tm);
	n = strftime(buf, size, "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(buf + n, size - n, ".%03ld%s", now.tv_nsec / 1000000, zone);
}

/* A write that fails has nowhere to be reported. */
static void to_stderr(enum log_level level, const char *text)
{
	char line[LOG_LINE + LOG_HEAD], time[LOG_HEAD / 2];
	int n;

	write_time(time, sizeof(time));
	n = snprintf(line, sizeof(line), "%s hmmd: %s: %s\n", time, level_name(level), text);
	if (n < 0)
		return;
	if ((size_t)n >= sizeof(line)) {
		n = sizeof(line) - 1;
		line[n - 1] = '\n';
	}
	while (write(STDERR_FILENO, line, (size_t)n) < 0 && errno == EINTR)
		;
}

void log_line(enum log_level level, const char *format, ...)
{
	char said[LOG_LINE], text[LOG_LINE];
	va_list args;

	if (level > max_level)
		return;
	va_start(args, format);
	vsnprintf(said, sizeof(said), format, args);
	va_end(args);
	clean(text, sizeof(text), said);
	if (!to_journal || sd_journal_send("MESSAGE=%s", text, "PRIORITY=%d", (int)level, NULL) < 0)
		to_stderr(level, text);
}

struct field_set {
	char text[LOG_FIELDS + 2][LOG_FIELD];
	char message[LOG_LINE];
	struct iovec iov[LOG_FIELDS + 2];
	int n;
};

static void field_add(struct field_set *f, const char *name, const char *value)
{
	char *text = f->text[f->n];
	size_t n = (size_t)snprintf(text, LOG_FIELD, "%s=", name);

	clean(text + n, LOG_FIELD - n, value);
	f->iov[f->n++] = (struct iovec){ .iov_base = text, .iov_len = strlen(text) };
}

void log_fields(enum log_level level, const char *message, ...)
{
	struct field_set f = { .n = 0 };
	char *text = f.message + strlen(MESSAGE), priority[4];
	const char *name;
	va_list args;

	if (level > max_level)
		return;
	snprintf(priority, sizeof(priority), "%d", (int)level);
	field_add(&f, "PRIORITY", priority);
	va_start(args, message);
	while (f.n < LOG_FIELDS + 1 && (name = va_arg(args, const char *)))
		field_add(&f, name, va_arg(args, const char *));
	va_end(args);
	strcpy(f.message, MESSAGE);
	clean(text, sizeof(f.message) - strlen(MESSAGE), message);
	f.iov[f.n++] = (struct iovec){ .iov_base = f.message, .iov_len = strlen(f.message) };
	if (!to_journal || sd_journal_sendv(f.iov, f.n) < 0)
		to_stderr(level, text);
}
