// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One table of options for all verbs: `hmmctl clients --json` and `hmmctl --json clients` mean the
 * same. getopt_long() would print messages of its own and keep its state in globals.
 */
#include "libclient/ctl/args.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "libclient/ctl/near.h"

static const struct option {
	const char *name;
	enum args_option option;
	bool value;
} options[] = {
	{ "--socket", ARGS_SOCKET, true },
	{ "--json", ARGS_JSON, false },
	{ "--help", ARGS_HELP, false },
	{ "-h", ARGS_HELP, false },
	{ "--version", ARGS_VERSION, false },
	{ "-V", ARGS_VERSION, false },
	{ "--to", ARGS_TO, true },
	{ "--wait", ARGS_WAIT, false },
	{ "--keep", ARGS_KEEP, false },
	{ "-o", ARGS_OUTPUT, true },
	{ "--output", ARGS_OUTPUT, true },
	{ "--follow", ARGS_FOLLOW, false },
	{ "-f", ARGS_FOLLOW, false },
};
enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

const char *args_option_name(enum args_option o)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (options[i].option == o)
			return options[i].name;
	return "?";
}

static int unknown(struct args *a, const char *word)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (near_match(word, options[i].name)) {
			snprintf(a->wrong, sizeof(a->wrong), "no option '%.40s'; did you mean %s?", word,
				 options[i].name);
			return -EINVAL;
		}
	snprintf(a->wrong, sizeof(a->wrong), "no option '%.40s'", word);
	return -EINVAL;
}

static int take_value(struct args *a, const struct option *o, const char *value)
{
	if (!value || !*value) {
		snprintf(a->wrong, sizeof(a->wrong), "%s wants a value", o->name);
		return -EINVAL;
	}
	*(o->option == ARGS_SOCKET ? &a->socket : o->option == ARGS_TO ? &a->to : &a->output) = value;
	return 0;
}

/* *i is the index of the option; it moves on when the value is the next word. */
static int take_option(struct args *a, int argc, char *const *argv, int *i)
{
	const char *word = argv[*i], *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);

	for (const struct option *o = options; o < options + OPTIONS; o++) {
		if (strncmp(word, o->name, n) != 0 || o->name[n])
			continue;
		a->given |= o->option;
		if (o->value)
			return take_value(a, o, equals ? equals + 1 : *i + 1 < argc ? argv[++*i] : NULL);
		if (!equals)
			return 0;
		snprintf(a->wrong, sizeof(a->wrong), "%s takes no value", o->name);
		return -EINVAL;
	}
	return unknown(a, word);
}

int args_parse(struct args *a, int argc, char *const *argv)
{
	bool options_end = false;
	int r;

	memset(a, 0, sizeof(*a));
	for (int i = 1; i < argc; i++) {
		if (!options_end && strcmp(argv[i], "--") == 0) {
			options_end = true;
		} else if (!options_end && argv[i][0] == '-' && argv[i][1]) {
			r = take_option(a, argc, argv, &i);
			if (r < 0)
				return r;
		} else if (a->n_words < ARGS_WORDS) {
			a->word[a->n_words++] = argv[i];
		} else {
			snprintf(a->wrong, sizeof(a->wrong), "too many arguments at '%.40s'", argv[i]);
			return -EINVAL;
		}
	}
	return 0;
}
