// SPDX-License-Identifier: LGPL-2.1-or-later
/* Help is made of the table of verbs, so that it cannot lag behind it. */
#include <string.h>

#include "libclient/ctl/ctl.h"

static int print_name(const struct verb *v, FILE *out)
{
	return fprintf(out, "%s%s%s%s%s", v->name, v->second ? " " : "", v->second ? v->second : "",
		       *v->synopsis ? " " : "", v->synopsis);
}

void help_usage(const struct verb *v, FILE *out)
{
	fputs("usage: hmmctl ", out);
	if (v)
		print_name(v, out);
	else
		fputs("[--socket PATH] [--json] [VERB ...]   (hmmctl help lists the verbs)", out);
	fputc('\n', out);
}

void help_verb(const struct verb *v, FILE *out)
{
	help_usage(v, out);
	fprintf(out, "\n%s\n", v->summary);
	if (v->more)
		fprintf(out, "%s\n", v->more);
	fprintf(out, "\nexample: %s\n", v->example);
}

void help_all(FILE *out)
{
	enum { INDENT = 2, NAME = 43 };

	fputs("usage: hmmctl [--socket PATH] [--json] [VERB ...]\n\n", out);
	for (const struct verb *v = ctl_verbs; v->name; v++) {
		int n;

		fprintf(out, "%*s", INDENT, "");
		n = print_name(v, out);
		fprintf(out, "%*s%s\n", n < NAME ? NAME - n : 1, "", v->summary);
	}
	fputs("\n"
	      "  --socket PATH   the daemon's socket (default: $HMMD_SOCKET, then /run/hmmd/hmmd.sock,\n"
	      "                  then that of hmmd --rootless)\n"
	      "  --json          for scripts; keys are stable, hmmctl(1) lists them\n"
	      "  --help          help for the verb\n"
	      "  --version       version of hmmctl\n\n"
	      "exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no daemon\n", out);
}

int verb_help(struct ctl *c)
{
	bool found = false;

	if (!c->n_words) {
		help_all(stdout);
		return CTL_DONE;
	}
	for (const struct verb *v = ctl_verbs; v->name; v++) {
		if (strcmp(v->name, c->word[0]) != 0 ||
		    (c->n_words > 1 && (!v->second || strcmp(v->second, c->word[1]) != 0)))
			continue;
		if (found)
			putchar('\n');
		help_verb(v, stdout);
		found = true;
	}
	if (!found)
		return ctl_usage(c, "no verb '%.40s'", c->word[0]);
	return CTL_DONE;
}
