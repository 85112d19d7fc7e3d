// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One file's text through libinih. The reader below hands lines over, counts them, refuses what the
 * library would cut (long lines, NUL bytes) and reads section headers itself: the library keeps
 * only 49 bytes of them and never mentions a section without keys.
 */
#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/config_key.h"
#include "daemon/io/config_value.h"

void config_parser_init(struct config_parser *p, struct config *config)
{
	*p = (struct config_parser){ .config = config };
}

void config_parser_done(struct config_parser *p)
{
	free(p->quotas);
	p->quotas = NULL;
}

int config_fail(struct config_parser *p, const char *format, ...)
{
	va_list args;
	int n;

	if (p->failed)
		return -EINVAL;
	p->failed = true;
	n = snprintf(p->text, sizeof(p->text), "%s:%u: ", p->file, p->line);
	if (n < 0 || (size_t)n >= sizeof(p->text))
		return -EINVAL;
	va_start(args, format);
	vsnprintf(p->text + n, sizeof(p->text) - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

static void trim(char *text)
{
	size_t n = strlen(text), lead = strspn(text, " \t");

	while (n > lead && (text[n - 1] == ' ' || text[n - 1] == '\t'))
		n--;
	memmove(text, text + lead, n - lead);
	text[n - lead] = '\0';
}

/* "name arg": cut in two, each without blanks around it. */
static void split_header(char *header, char **ret_arg)
{
	trim(header);
	*ret_arg = header + strcspn(header, " \t");
	if (**ret_arg)
		*(*ret_arg)++ = '\0';
	*ret_arg += strspn(*ret_arg, " \t");
}

static int begin_section(struct config_parser *p, const char *line)
{
	char header[CONFIG_LINE], *arg;
	const char *end = strchr(line, ']'), *near;

	p->section = NULL;
	if (!end)
		return config_fail(p, "the section's header does not end with ]");
	if (end[1 + strspn(end + 1, " \t\r\n")] &&
	    !strchr("#;", end[1 + strspn(end + 1, " \t\r\n")]))
		return config_fail(
			p, "text after the section's header; a key goes on a line of its own");
	snprintf(header, sizeof(header), "%.*s", (int)(end - line - 1), line + 1);
	split_header(header, &arg);
	p->section = config_section_find(header);
	if (p->section)
		return p->section->begin(p, arg);
	near = config_section_nearest(header);
	if (near)
		return config_fail(p, "there is no section [%s]; did you mean [%s]?", header, near);
	return config_fail(p, "there is no section [%s]; there are %s", header,
			   config_section_forms());
}

/* fgets() for libinih. NULL ends the file, also after an error. */
static char *read_line(char *buf, int size, void *userdata)
{
	struct config_parser *p = userdata;
	size_t left = (size_t)(p->end - p->at), n;
	const char *newline;

	if (p->failed || left == 0)
		return NULL;
	newline = memchr(p->at, '\n', left);
	n = newline ? (size_t)(newline - p->at) + 1 : left;
	p->line++;
	if (n >= (size_t)size) {
		config_fail(p, "the line is longer than %d bytes", size - 1);
		return NULL;
	}
	if (memchr(p->at, '\0', n)) {
		config_fail(p, "the line holds a NUL byte");
		return NULL;
	}
	memcpy(buf, p->at, n);
	buf[n] = '\0';
	p->at += n;
	if (buf[strspn(buf, " \t")] == '[' && begin_section(p, buf + strspn(buf, " \t")))
		return NULL;
	return buf;
}

static int got_key(void *userdata, const char *section, const char *name, const char *value)
{
	struct config_parser *p = userdata;

	(void)section;
	if (!p->section)
		return !config_fail(
			p, "\"%s\" stands before the first section; begin with [daemon] or another",
			name);
	return !config_key_set(p, name, value);
}

/* libinih's settings are variables of the library; nothing else in this process uses it. */
static void set_up_inih(void)
{
	ini_allow_multiline = false;
	ini_allow_bom = true;
	ini_allow_inline_comments = true;
	ini_inline_comment_prefixes = (char *)(uintptr_t)"#;";
	ini_start_comment_prefixes = (char *)(uintptr_t)"#;";
	ini_use_stack = false;
	ini_allow_realloc = false;
	ini_initial_alloc = CONFIG_LINE;
	ini_max_line = CONFIG_LINE;
	ini_stop_on_first_error = true;
	ini_allow_no_value = false;
}

int config_parse(struct config_parser *p, const char *file, const char *text, size_t size)
{
	int r;

	p->file = file;
	p->line = 0;
	p->at = text;
	p->end = text + size;
	p->section = NULL;
	p->tiers_here = 0;
	set_up_inih();
	r = ini_parse_stream(read_line, p, got_key, p);
	if (r == -2)
		return -ENOMEM;
	if (r)
		config_fail(p, "this is neither KEY = VALUE nor a [section]");
	return p->failed ? -EINVAL : 0;
}
