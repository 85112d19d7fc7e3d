// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * hmmctl: looks at and controls hmmd. Finds the verb, checks how it is called, runs it. A program of
 * the public header alone, so whatever it can do every program can do.
 */
#include <stdarg.h>
#include <string.h>

#include "libclient/ctl/ctl.h"
#include "libclient/ctl/near.h"

static void say(const struct ctl *c, const char *format, va_list list)
{
	const struct verb *v = c->verb;

	fflush(stdout);
	fprintf(stderr, "hmmctl%s%s%s%s: ", v ? " " : "", v ? v->name : "", v && v->second ? " " : "",
		v && v->second ? v->second : "");
	vfprintf(stderr, format, list);
	fputc('\n', stderr);
}

int ctl_usage(const struct ctl *c, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(c, format, list);
	va_end(list);
	help_usage(c->verb, stderr);
	return CTL_USAGE;
}

int ctl_fail(const struct ctl *c, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(c, format, list);
	va_end(list);
	return CTL_FAILED;
}

static bool names(const struct verb *v, const struct args *a)
{
	if (!a->n_words || strcmp(v->name, a->word[0]) != 0)
		return false;
	if (!v->second)
		return true;
	/* `policy` alone is its first verb, the list. */
	return a->n_words == 1 || strcmp(v->second, a->word[1]) == 0;
}

static const struct verb *find_verb(const struct args *a)
{
	if (!a->n_words)
		return ctl_verbs;
	for (const struct verb *v = ctl_verbs; v->name; v++)
		if (names(v, a))
			return v;
	return NULL;
}

static int no_verb(const struct ctl *c)
{
	const char *typed = c->args.word[0], *second = c->args.n_words > 1 ? c->args.word[1] : "";

	for (const struct verb *v = ctl_verbs; v->name; v++)
		if (v->second && strcmp(v->name, typed) == 0 && near_match(second, v->second))
			return ctl_usage(c, "no verb '%s %.40s'; did you mean '%s %s'?", typed, second,
					 v->name, v->second);
	for (const struct verb *v = ctl_verbs; v->name; v++)
		if (strcmp(v->name, typed) == 0)
			return ctl_usage(c, "no verb '%s %.40s'; see hmmctl help %s", typed, second, typed);
	for (const struct verb *v = ctl_verbs; v->name; v++)
		if (near_match(typed, v->name))
			return ctl_usage(c, "no verb '%.40s'; did you mean '%s'?", typed, v->name);
	return ctl_usage(c, "no verb '%.40s'", typed);
}

static int check_call(struct ctl *c)
{
	unsigned int extra = c->args.given & ~(c->verb->options | ARGS_EVERYWHERE);
	size_t name_words = c->args.n_words ? 1 + (c->verb->second && c->args.n_words > 1) : 0;

	c->word = c->args.word + name_words;
	c->n_words = c->args.n_words - name_words;
	if (extra)
		return ctl_usage(c, "%s is no option of this verb", args_option_name(extra & -extra));
	if (c->n_words < c->verb->least)
		return ctl_usage(c, "an argument is missing");
	if (c->n_words > c->verb->most)
		return ctl_usage(c, "'%.40s' is one argument too many", c->word[c->verb->most]);
	return CTL_DONE;
}

static int run(struct ctl *c)
{
	int status;

	if (c->args.given & ARGS_VERSION) {
		puts("hmmctl " PACKAGE_VERSION);
		return CTL_DONE;
	}
	if (c->args.given & ARGS_HELP && !c->args.n_words) {
		help_all(stdout);
		return CTL_DONE;
	}
	c->verb = find_verb(&c->args);
	if (!c->verb)
		return no_verb(c);
	if (c->args.given & ARGS_HELP) {
		help_verb(c->verb, stdout);
		return CTL_DONE;
	}
	status = check_call(c);
	return status == CTL_DONE ? c->verb->run(c) : status;
}

int main(int argc, char **argv)
{
	struct ctl c = { 0 };
	int status;

	if (args_parse(&c.args, argc, argv) < 0)
		return ctl_usage(&c, "%s", c.args.wrong);
	c.json = c.args.given & ARGS_JSON;
	status = run(&c);
	hmm_client_unref(c.client);
	if ((fflush(stdout) == EOF || ferror(stdout)) && status == CTL_DONE)
		return ctl_fail(&c, "cannot write the output");
	return status;
}
