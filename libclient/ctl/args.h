/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The words of the command line: options wherever they stand, the rest in order. */
#ifndef HMMCTL_ARGS_H
#define HMMCTL_ARGS_H

#include <stdbool.h>
#include <stddef.h>

enum args_option {
	ARGS_SOCKET = 1 << 0, ARGS_JSON = 1 << 1, ARGS_HELP = 1 << 2, ARGS_VERSION = 1 << 3,
	ARGS_TO = 1 << 4, ARGS_WAIT = 1 << 5, ARGS_FOLLOW = 1 << 6, ARGS_KEEP = 1 << 7,
	ARGS_OUTPUT = 1 << 8,
	ARGS_EVERYWHERE = ARGS_SOCKET | ARGS_JSON | ARGS_HELP | ARGS_VERSION
};
enum { ARGS_WORDS = 8, ARGS_TEXT = 160 };

struct args {
	unsigned int given;		/* enum args_option */
	const char *socket, *to, *output;	/* their values */
	const char *word[ARGS_WORDS];	/* not options */
	size_t n_words;
	char wrong[ARGS_TEXT];		/* what is wrong, after -EINVAL */
};

/* 0 or -EINVAL; nothing is copied. */
int args_parse(struct args *a, int argc, char *const *argv);
const char *args_option_name(enum args_option o);	/* "--to" */

#endif
