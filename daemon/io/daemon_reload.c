// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * SIGHUP and `hmmctl reload`. The new configuration is read, checked and compared whole before
 * anything changes. What only a start can change (paths, threads, backing) is refused rather than
 * half-applied.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/io/config_file.h"
#include "daemon/io/config_options.h"
#include "daemon/io/daemon.h"
#include "daemon/io/daemon_backing.h"
#include "daemon/io/hugepages.h"
#include "daemon/io/kernel_tier.h"
#include "daemon/io/log.h"
#include "daemon/io/options.h"
#include "daemon/io/notify.h"
#include "daemon/io/schedule.h"
#include "daemon/io/server.h"
#include "daemon/io/state_dir.h"
#include "daemon/io/tier_record.h"

/* The key that differs and cannot change while hmmd runs, or NULL. */
static const char *fixed_key(const struct config *a, const struct config *b)
{
	if (strcmp(a->socket, b->socket) != 0)
		return "socket";
	if (strcmp(a->state_dir, b->state_dir) != 0)
		return "state-dir";
	if (a->backing != b->backing)
		return "backing";
	if (a->fault_threads != b->fault_threads)
		return "fault-threads";
	return a->workers != b->workers ? "workers" : NULL;
}

/* New tiers are on record before they are in the world, and off it again when they do not come. */
static int reload_world(struct daemon *d, const struct config *c, char *ret_text, size_t size)
{
	bool more = c->n_tiers > d->world->n_tiers;
	int r = more ? tier_record_write(d->world, c) : 0, undone;

	if (r) {
		snprintf(ret_text, size, "the new tiers cannot be put on record in %s: %s", c->state_dir, strerror(-r));
		return r;
	}
	r = world_reload(d->world, c, ret_text, (uint32_t)size);
	undone = r && more ? tier_record_write(d->world, d->config) : 0;
	if (undone)
		log_line(LOG_LEVEL_WARNING, "tiers that were refused stay on record: %s, ignoring", strerror(-undone));
	return r;
}

/* The identities of the new devices: without them on record their pages would be given up at the next start. */
static void record_new(struct daemon *d, unsigned int first)
{
	int r = first < d->world->n_tiers ? tier_record_write(d->world, d->config) : 0;
	char why[160];

	for (unsigned int i = first; r && i < d->world->n_tiers; i++) {
		if (!d->world->tiers[i].config.generation)
			continue;
		snprintf(why, sizeof(why), "it cannot be put on record in %.80s: %s", d->config->state_dir, strerror(-r));
		daemon_tier_failed(d, i, why);
	}
}

static int apply(struct daemon *d, struct config *c, char *ret_text, size_t size)
{
	const char *key = fixed_key(d->config, c);
	unsigned int tiers = d->world->n_tiers;
	uint32_t missing;
	int r;

	if (key) {
		snprintf(ret_text, size, "[daemon] %s cannot change while hmmd runs; restart it",
			 key);
		return -EINVAL;
	}
	state_dir_shares(c);
	fdstore_shares(c);
	(void)config_keep_places(c, d->config->tiers, d->config->n_tiers, &missing);	/* what is missing is said below */
	r = reload_world(d, c, ret_text, size);
	if (r)
		return r;
	*d->config = *c;
	server_set_groups(d->server, c);
	schedule_kick(d);
	r = daemon_tiers_open(d, tiers);
	kernel_tiers_limit_all(d);
	record_new(d, tiers);
	return r;
}

struct attempt {
	struct config config;
	struct config_report report;
	char origin[sizeof(((struct daemon *)0)->config_origin)];
};

static int load(struct daemon *d, struct attempt *a, char *ret_text, size_t size)
{
	const struct options *o = d->options;
	int r = config_load(&a->config, o->config, o->rootless, a->origin, sizeof(a->origin), &a->report);

	if (r == -EINVAL)
		config_lines_say(&a->report.errors, ret_text, size);
	if (!r)
		r = config_apply_options(&a->config, o, ret_text, size);
	return r ? r : apply(d, &a->config, ret_text, size);
}

static void warn(void *userdata, const char *line)
{
	daemon_event(userdata, EVENT_WARNING, "the configuration: %s", line);
}

static void complain(void *userdata, const char *line)
{
	daemon_event(userdata, EVENT_ERROR, "the configuration stays as it was: %s", line);
}

/* The first line is what doctor shows until a configuration is taken over. */
static void refused(struct daemon *d, const struct attempt *a, const char *text)
{
	snprintf(d->config_refused, sizeof(d->config_refused), "%.*s", (int)strcspn(text, "\n"), text);
	if (a && a->report.errors.n)
		config_lines_each(&a->report.errors, complain, d);
	else
		complain(d, d->config_refused);
}

static void taken_over(struct daemon *d, const struct attempt *a)
{
	d->config_refused[0] = '\0';
	snprintf(d->config_origin, sizeof(d->config_origin), "%s", a->origin);
	config_lines_each(&a->report.warnings, warn, d);
	daemon_event(d, EVENT_INFO, "the configuration was read again: %s", d->config_origin);
}

int daemon_reload(struct daemon *d, char *ret_text, size_t text_size)
{
	struct attempt *a = calloc(1, sizeof(*a));
	int r = a ? load(d, a, ret_text, text_size) : -ENOMEM;

	if (r == -ENOMEM)
		snprintf(ret_text, text_size, "there is no memory for the configuration");
	if (r)
		refused(d, a, ret_text);
	else
		taken_over(d, a);
	free(a);
	return r;
}
