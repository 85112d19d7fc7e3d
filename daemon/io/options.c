// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of hmmd: getopt_long, nothing else. Texts go to stderr, since no log exists yet.
 */
#include <getopt.h>
#include <stdio.h>

#include "daemon/io/options.h"

enum {
	OPT_CONFIG = 256,
	OPT_SOCKET,
	OPT_STATE_DIR,
	OPT_ROOTLESS,
	OPT_CHECK,
	OPT_DRY_RUN,
	OPT_GIVE_BACK,
	OPT_LOG_LEVEL
};

static const struct option long_options[] = {
	{ "config", required_argument, NULL, OPT_CONFIG },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "state-dir", required_argument, NULL, OPT_STATE_DIR },
	{ "rootless", no_argument, NULL, OPT_ROOTLESS },
	{ "check-config", no_argument, NULL, OPT_CHECK },
	{ "dry-run", no_argument, NULL, OPT_DRY_RUN },
	{ "give-back", no_argument, NULL, OPT_GIVE_BACK },
	{ "log-level", required_argument, NULL, OPT_LOG_LEVEL },
	{ "version", no_argument, NULL, 'V' },
	{ "help", no_argument, NULL, 'h' },
	{ NULL, 0, NULL, 0 },
};

static int set_log_level(struct options *o, const char *text)
{
	int level = log_level_parse(text);

	if (level < 0) {
		fprintf(stderr,
			"hmmd: --log-level %s: no such level; error, warning, info or debug\n",
			text);
		return 2;
	}
	o->log_level = (enum log_level)level;
	return 0;
}

static int set_path(const char **ret, const char *name, const char *path)
{
	if (!path[0]) {
		fprintf(stderr, "hmmd: %s is empty; it wants a path\n", name);
		return 2;
	}
	*ret = path;
	return 0;
}

static int set_one(struct options *o, int opt, const char *arg)
{
	switch (opt) {
	case OPT_CONFIG:
		return set_path(&o->config, "--config", arg);
	case OPT_SOCKET:
		return set_path(&o->socket, "--socket", arg);
	case OPT_STATE_DIR:
		return set_path(&o->state_dir, "--state-dir", arg);
	case OPT_ROOTLESS:
		o->rootless = true;
		return 0;
	case OPT_CHECK:
		o->check_config = true;
		return 0;
	case OPT_DRY_RUN:
		o->dry_run = true;
		return 0;
	case OPT_GIVE_BACK:
		o->give_back = true;
		return 0;
	case OPT_LOG_LEVEL:
		return set_log_level(o, arg);
	case 'V':
		o->version = true;
		return 0;
	case 'h':
		o->help = true;
		return 0;
	}
	fprintf(stderr, "Try 'hmmd --help'.\n");
	return 2;
}

int options_parse(struct options *ret, int argc, char **argv)
{
	struct options o = { .log_level = LOG_LEVEL_INFO };
	int opt, r;

	optind = 0;
	while ((opt = getopt_long(argc, argv, "hV", long_options, NULL)) >= 0) {
		r = set_one(&o, opt, optarg);
		if (r)
			return r;
	}
	if (optind < argc) {
		fprintf(stderr, "hmmd: %s: hmmd takes options only\nTry 'hmmd --help'.\n",
			argv[optind]);
		return 2;
	}
	*ret = o;
	return 0;
}
