/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration that is read from texts: what is taken, and what is refused in which words. */
#ifndef HMMD_TESTS_CONFIG_RIG_H
#define HMMD_TESTS_CONFIG_RIG_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/io/config_file.h"

struct fixture {
	struct config config;
	struct config_parser parser;
	struct config_report report;
};

static inline int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	config_defaults(&f->config);
	config_parser_init(&f->parser, &f->config, &f->report);
	*state = f;
	return 0;
}

static inline int tear_down(void **state)
{
	struct fixture *f = *state;

	config_parser_done(&f->parser);
	free(f);
	return 0;
}

static inline int parse(struct fixture *f, const char *file, const char *text)
{
	return config_parse(&f->parser, file, text, strlen(text));
}

static inline void reads(struct fixture *f, const char *text)
{
	int r = parse(f, "a.conf", text);

	if (r)
		print_error("%s\n", f->report.errors.text);
	assert_int_equal(r, 0);
}

/* The refusal names the place and holds both texts. */
static inline void refuses(struct fixture *f, const char *text, const char *place, const char *wrong, const char *right)
{
	int r = parse(f, "a.conf", text);

	if (!r)
		r = config_parse_end(&f->parser);
	assert_int_equal(r, -EINVAL);
	if (strncmp(f->report.errors.text, place, strlen(place)) || !strstr(f->report.errors.text, wrong) ||
	    !strstr(f->report.errors.text, right))
		fail_msg("\"%s\" lacks \"%s\", \"%s\" or \"%s\"", f->report.errors.text, place, wrong, right);
}

#endif
