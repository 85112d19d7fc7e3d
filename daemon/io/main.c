// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hmmd: options, configuration, daemon. Exit 0 done, 1 it did not work, 2 bad arguments or
 * configuration.
 */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "daemon/io/config_file.h"
#include "daemon/io/config_options.h"
#include "daemon/io/daemon.h"
#include "daemon/io/log.h"
#include "daemon/io/options.h"
#include "daemon/io/version.h"

enum {
	EXIT_USAGE = 2,
	/*
	 * Bytes from which an allocation is a mapping of its own. glibc would raise it by itself
	 * after the first client that leaves, and then zero by hand the tables of every new client
	 * that are never touched.
	 */
	MAPPED_FROM = 128 * 1024
};

static int say_help(void)
{
	puts("Usage: hmmd [OPTION]...\n"
	     "Places the huge pages of its clients in memory and on devices.\n\n"
	     "  --config FILE      instead of /etc/hmmd/hmmd.conf; drop-ins from FILE.d/*.conf\n"
	     "  --socket PATH      instead of /run/hmmd/hmmd.sock\n"
	     "  --state-dir DIR    instead of /run/hmmd\n"
	     "  --rootless         no privilege: everything below $XDG_RUNTIME_DIR/hmmd\n"
	     "  --check-config     check the configuration, print ok, end\n"
	     "  --give-back        lower the huge-page limit by what a killed hmmd has added, end\n"
	     "  --dry-run          decide, but move nothing unasked\n"
	     "  --log-level LEVEL  error, warning, info (default) or debug\n"
	     "  --version, --help\n\n"
	     "hmmd(8) and hmmd.conf(5) say more.");
	return EXIT_SUCCESS;
}

static int give_back(void)
{
	int r = hugepool_give_back(HUGEPOOL_RECORD);

	if (r)
		log_line(LOG_LEVEL_ERROR, "%s: %s", HUGEPOOL_RECORD, hugepool_trouble(r));
	return r ? EXIT_FAILURE : EXIT_SUCCESS;
}

static void print(void *userdata, const char *line)
{
	fprintf(stderr, "hmmd: %s%s\n", (const char *)userdata, line);
}

static int load(const struct options *o, struct config *c, char *origin, size_t size)
{
	struct config_report *report = malloc(sizeof(*report));
	char text[256];
	int r = report ? config_load(c, o->config, o->rootless, origin, size, report) : -ENOMEM;

	if (!r)
		r = config_apply_options(c, o, text, sizeof(text));
	if (r == -EINVAL && !report->errors.n)
		config_lines_addf(&report->errors, NULL, 0, "%s", text);
	if (r == -ENOMEM) {
		fputs("hmmd: there is no memory for the configuration\n", stderr);
	} else {
		config_lines_each(&report->errors, print, "");
		config_lines_each(&report->warnings, print, "warning: ");
	}
	free(report);
	return r;
}

static int serve(const struct options *o, struct config *c, const char *origin)
{
	struct daemon *d = malloc(sizeof(*d));
	int status = EXIT_FAILURE;

	if (!d) {
		free(c);
		return EXIT_FAILURE;
	}
	log_line(LOG_LEVEL_DEBUG, "configuration: %s", origin);
	if (!daemon_start(d, o, c)) {
		snprintf(d->config_origin, sizeof(d->config_origin), "%s", origin);
		status = daemon_run(d);
	}
	daemon_free(d);
	free(d);
	return status;
}

int main(int argc, char **argv)
{
	struct options o;
	struct config *c;
	char origin[256];

	if (options_parse(&o, argc, argv))
		return EXIT_USAGE;
	if (o.help)
		return say_help();
	if (o.version)
		return printf("hmmd %s\n", HMMD_VERSION) < 0;
	log_init(o.log_level);
	if (o.give_back)
		return give_back();
	mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
	c = malloc(sizeof(*c));
	if (!c)
		return EXIT_FAILURE;
	if (load(&o, c, origin, sizeof(origin))) {
		free(c);
		return EXIT_USAGE;
	}
	if (!o.check_config)
		return serve(&o, c, origin);
	free(c);
	puts("ok");
	return EXIT_SUCCESS;
}
