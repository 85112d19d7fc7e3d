// SPDX-License-Identifier: GPL-2.0-or-later
/* Lines about a configuration (config_report.h). */
#include <stdio.h>
#include <string.h>

#include "daemon/io/config_report.h"
#include "proto/text.h"

enum { LINE = 1024 /* bytes of one */, MORE = 48 /* of the count of those left out */ };

void config_report_init(struct config_report *r)
{
	r->errors.size = r->warnings.size = 0;
	r->errors.n = r->warnings.n = 0;
	r->errors.text[0] = r->warnings.text[0] = '\0';
}

void config_lines_add(struct config_lines *l, const char *file, unsigned int line, const char *format, va_list args)
{
	char said[LINE], text[LINE];
	size_t n = 0;

	if (file && line)
		n = (size_t)snprintf(said, sizeof(said), "%.255s:%u: ", file, line);
	else if (file)
		n = (size_t)snprintf(said, sizeof(said), "%.255s: ", file);
	vsnprintf(said + n, sizeof(said) - n, format, args);
	text_escape(text, sizeof(text), said, "");
	n = strlen(text);
	l->n++;
	if (n + 2 > sizeof(l->text) - l->size)
		return;
	memcpy(l->text + l->size, text, n);
	l->size += n;
	memcpy(l->text + l->size++, "\n", 2);
}

void config_lines_addf(struct config_lines *l, const char *file, unsigned int line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	config_lines_add(l, file, line, format, args);
	va_end(args);
}

void config_lines_say(const struct config_lines *l, char *buf, size_t size)
{
	size_t room = size > MORE ? size - MORE : 1, n = l->size < room ? l->size : room - 1;
	unsigned int said = 0;

	/* Of lines that do not all fit, whole ones; of one that is too long, its beginning. */
	for (size_t i = n; n < l->size && i > 0; i--)
		if (l->text[i - 1] == '\n') {
			n = i;
			break;
		}
	for (size_t i = 0; i < n; i++)
		said += l->text[i] == '\n';
	said += n && l->text[n - 1] != '\n';
	snprintf(buf, size, "%.*s", (int)(n && l->text[n - 1] == '\n' ? n - 1 : n), l->text);
	n = strlen(buf);
	if (said < l->n)
		snprintf(buf + n, size - n, "\n... and %u more", l->n - said);
}

void config_lines_each(const struct config_lines *l, config_line_fn *fn, void *userdata)
{
	char line[LINE];
	unsigned int said = 0;

	for (const char *at = l->text, *end; (end = strchr(at, '\n')); at = end + 1, said++) {
		snprintf(line, sizeof(line), "%.*s", (int)(end - at), at);
		fn(userdata, line);
	}
	if (said == l->n)
		return;
	snprintf(line, sizeof(line), "... and %u more", l->n - said);
	fn(userdata, line);
}
