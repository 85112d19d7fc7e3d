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

void config_parser_init(struct config_parser *p, struct config *config, struct config_report *report)
{
	*p = (struct config_parser){ .config = config, .report = report };
	config_report_init(report);
}

void config_parser_done(struct config_parser *p)
{
	struct config_file_name *f;

	while ((f = p->files)) {
		p->files = f->next;
		free(f);
	}
	free(p->quotas);
	free(p->stood);
	p->quotas = NULL;
	p->stood = NULL;
}

int config_fail(struct config_parser *p, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	config_lines_add(&p->report->errors, p->file, p->line, format, args);
	va_end(args);
	return -EINVAL;
}

/* The key, else its section, else none. */
static const struct config_stood *where(const struct config_parser *p, const struct config_place *place)
{
	struct config_place at = *place;
	const struct config_stood *s;

	if (at.part == CONFIG_QUOTA && at.index == p->config->n_quotas)
		at.index = CONFIG_QUOTAS;
	s = config_stood_find(p, &at);
	at.key = NULL;
	return s ? s : config_stood_find(p, &at);
}

void config_fail_at(struct config_parser *p, const struct config_place *place, const char *format, ...)
{
	const struct config_stood *s = where(p, place);
	va_list args;

	if (s && s->wrong)
		return;
	va_start(args, format);
	config_lines_add(&p->report->errors, s ? s->file : p->file, s ? s->line : 0, format, args);
	va_end(args);
}

void config_warn_at(struct config_parser *p, const struct config_place *place, const char *format, ...)
{
	const struct config_stood *s = where(p, place);
	va_list args;

	va_start(args, format);
	config_lines_add(&p->report->warnings, s ? s->file : p->file, s ? s->line : 0, format, args);
	va_end(args);
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

static int unknown_section(struct config_parser *p, const char *name)
{
	const char *near = config_section_nearest(name);

	if (near)
		return config_fail(p, "there is no section [%s]; did you mean [%s]?", name, near);
	return config_fail(p, "there is no section [%s]; there are %s", name, config_section_forms());
}

static int find_section(struct config_parser *p, const char *line)
{
	char header[CONFIG_LINE], *arg;
	const char *end = strchr(line, ']');

	if (!end)
		return config_fail(p, "the section's header does not end with ]");
	if (end[1 + strspn(end + 1, " \t\r\n")] &&
	    !strchr("#;", end[1 + strspn(end + 1, " \t\r\n")]))
		return config_fail(
			p, "text after the section's header; a key goes on a line of its own");
	snprintf(header, sizeof(header), "%.*s", (int)(end - line - 1), line + 1);
	split_header(header, &arg);
	p->section = config_section_find(header);
	return p->section ? p->section->begin(p, arg) : unknown_section(p, header);
}

static void begin_section(struct config_parser *p, const char *line)
{
	const struct config_stood *before;

	p->section = NULL;
	p->skipping = find_section(p, line) < 0;
	if (p->skipping) {
		p->section = NULL;
		p->sections_lost = true;
		return;
	}
	before = config_stood_here(p, NULL);
	if (before)
		config_fail(p, "this section stands in this file twice, first in line %u; put its keys into one section",
			    before->line);
	config_stood_add(p, NULL, before);
}

/* The length of the next line, with its end. */
static size_t line_length(const struct config_parser *p)
{
	size_t left = (size_t)(p->end - p->at);
	const char *newline = memchr(p->at, '\n', left);

	return newline ? (size_t)(newline - p->at) + 1 : left;
}

/* What the library would cut. */
static bool readable(struct config_parser *p, size_t n, int size)
{
	if (n >= (size_t)size)
		config_fail(p, "the line is longer than %d bytes", size - 1);
	else if (memchr(p->at, '\0', n))
		config_fail(p, "the line holds a NUL byte");
	else
		return true;
	return false;
}

/* fgets() for libinih. NULL ends the file. */
static char *read_line(char *buf, int size, void *userdata)
{
	struct config_parser *p = userdata;
	bool good = false;
	size_t n;

	while (!good && p->at < p->end) {
		n = line_length(p);
		p->line++;
		good = readable(p, n, size);
		if (good) {
			memcpy(buf, p->at, n);
			buf[n] = '\0';
		}
		p->at += n;
	}
	if (good && buf[strspn(buf, " \t")] == '[') {
		begin_section(p, buf + strspn(buf, " \t"));
		strcpy(buf, "\n");	/* all that the line says is known */
	}
	return good ? buf : NULL;
}

static int got_key(void *userdata, const char *section, const char *name, const char *value)
{
	struct config_parser *p = userdata;

	(void)section;
	if (p->section)
		config_key_set(p, name, value);
	else if (!p->skipping)
		config_fail(p, "\"%s\" stands before the first section; begin with [daemon] or another", name);
	return 1;
}

/* libinih's settings are variables of the library; nothing else in this process uses it. */
static void set_up_inih(void)
{
	ini_allow_multiline = false;
	ini_allow_bom = false;
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

/* Editors of some systems put this before the text. */
static const char *skip_mark(const char *text, size_t size)
{
	static const char mark[] = "\xef\xbb\xbf";

	return size >= sizeof(mark) - 1 && memcmp(text, mark, sizeof(mark) - 1) == 0 ? text + sizeof(mark) - 1 : text;
}

static const char *keep_name(struct config_parser *p, const char *file)
{
	struct config_file_name *f = malloc(sizeof(*f) + strlen(file) + 1);

	if (!f)
		return NULL;
	strcpy(f->name, file);
	f->next = p->files;
	p->files = f;
	return f->name;
}

int config_parse(struct config_parser *p, const char *file, const char *text, size_t size)
{
	unsigned int errors = p->report->errors.n;
	int r = 1;

	p->file = keep_name(p, file);
	if (!p->file)
		return -ENOMEM;
	p->line = 0;
	p->at = skip_mark(text, size);
	p->end = text + size;
	p->section = NULL;
	p->skipping = false;
	set_up_inih();
	/* The library stops at a line that it cannot read, and tells of the first such one only. */
	while (r > 0) {
		r = ini_parse_stream(read_line, p, got_key, p);
		if (r > 0)
			config_fail(p, "this is neither KEY = VALUE nor a [section]");
	}
	if (r == -2)
		return -ENOMEM;
	return p->report->errors.n > errors ? -EINVAL : 0;
}
