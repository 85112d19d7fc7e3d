// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ladder: every rung is one noun, taken down in the mirror order. Whatever a rung lacks,
 * daemon_free() takes a half-built daemon apart too.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "daemon/io/blocks.h"
#include "daemon/io/config_file.h"
#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/daemon_backing.h"
#include "daemon/io/errand.h"
#include "daemon/io/grave.h"
#include "daemon/io/keeper.h"
#include "daemon/io/log.h"
#include "daemon/io/notify.h"
#include "daemon/io/notify_send.h"
#include "daemon/io/options.h"
#include "daemon/io/pin.h"
#include "daemon/io/porter.h"
#include "daemon/io/porters.h"
#include "daemon/io/rates.h"
#include "daemon/io/resume.h"
#include "daemon/io/retire.h"
#include "daemon/io/schedule.h"
#include "daemon/io/server.h"
#include "daemon/io/signals.h"
#include "daemon/io/state_dir.h"
#include "daemon/io/tier_record.h"
#include "daemon/io/track.h"
#include "daemon/io/unreadable.h"
#include "daemon/io/version.h"
#include "daemon/mech/driver.h"
#include "daemon/mech/limits.h"

enum { GENERATION_SHIFT = 32 };	/* ids of one daemon; the next one's begin beyond them */

static uint64_t clock_us(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t daemon_now_us(const struct daemon *d)
{
	(void)d;
	return clock_us(CLOCK_MONOTONIC);
}

uint64_t daemon_wall_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

static int fail(int r, const char *what)
{
	log_line(LOG_LEVEL_ERROR, "%s: %s", what, strerror(-r));
	return r;
}

static int open_state(struct daemon *d)
{
	const char *dir = d->config->state_dir;
	uint64_t generation;
	int r = state_dir_lock(dir, &d->lock);

	if (r == STATE_DIR_E_BUSY) {
		log_line(LOG_LEVEL_ERROR, "%s: another hmmd uses this state directory; give --state-dir and --socket", dir);
		return -EBUSY;
	}
	if (r == -EACCES && !d->options->rootless && geteuid() != 0)
		log_line(LOG_LEVEL_ERROR, "%s: %s; a user who is not root starts `hmmd --rootless`", dir, strerror(-r));
	else if (r)
		fail(r, dir);
	if (r)
		return r;
	survivors_sweep(dir);
	r = state_dir_count(d->lock, &generation);
	if (r)
		return fail(r, dir);
	state_dir_shares(d->config);
	fdstore_shares(d->config);
	d->first_id = (generation << GENERATION_SHIFT) + 1;
	r = survivors_find(dir, &d->survivors);
	return r ? fail(r, dir) : 0;
}

/* A file that is not on record as one may be in memory: a dry run had it. */
static bool may_have_memory(const struct config *c)
{
	for (unsigned int i = 0; i < c->n_tiers; i++)
		if (c->tiers[i].kind == TIER_MEMORY || (c->tiers[i].kind == TIER_FILE && !c->tiers[i].generation))
			return true;
	return false;
}

/*
 * Where the service manager keeps nothing. Before any thread: it is a fork of this process. An earlier keeper that
 * is there and cannot be spoken to may have what programs that live left on a device, so then hmmd does not start.
 */
static int open_keeper(struct daemon *d)
{
	int r = notify_has_store() ? 0 : keeper_open(&d->keeper, d->config->state_dir);

	if (!r)
		return 0;
	if (!d->survivors.pid || !may_have_memory(d->config)) {
		log_line(LOG_LEVEL_WARNING, "memory devices will not outlive this hmmd if it is killed: no keeper: %s, ignoring",
			 strerror(-r));
		return 0;
	}
	log_line(LOG_LEVEL_ERROR, "what pid %d has on a memory device is with an earlier hmmd's keeper, and that cannot be "
		 "spoken to: %s; start again, or first end the programs that have managed memory",
		 (int)d->survivors.pid, r == -EPROTO ? "it is of another version of hmmd" : strerror(-r));
	return r;
}

/* Page words on record name tiers by their place. */
static int keep_tiers(struct daemon *d)
{
	char text[256];
	int r = d->survivors.who[0] ? tier_record_keep(d->config->state_dir, d->config, text, sizeof(text)) : 0;

	if (r)
		log_line(LOG_LEVEL_ERROR, "%s: %s, or first end %s and what else has managed memory of an earlier hmmd",
			 d->options->config ? d->options->config : "configuration", text, d->survivors.who);
	return r;
}

static int open_world(struct daemon *d)
{
	int r = world_new(&d->world, d->config, d->first_id);

	if (r)
		return fail(r, "the configured world");
	d->world->dry_run = d->options->dry_run;
	return 0;
}

static void tell_memory_limit(struct daemon *d)
{
	uint64_t wanted = daemon_memory_wanted(d);
	struct room_limit limit;

	if (memory_limit_below(wanted, &limit))
		daemon_event(d, EVENT_WARNING, "the tiers may take %llu MiB of memory, and hmmd is killed beyond less: %s",
			     (unsigned long long)(wanted >> 20), limit.text);
}

static int open_memory(struct daemon *d)
{
	int r = daemon_backing_open(d);

	if (r)
		return r;
	r = driver_new(&d->driver);
	if (r)
		return fail(r, "the kernel driver");
	r = daemon_tiers_open(d, 0);
	if (r)
		return fail(r, "the tiers");
	tell_memory_limit(d);
	r = d->options->rootless ? -EPERM : uffd_open_device(&d->uffd_device);
	if (r && !d->options->rootless)
		log_line(LOG_LEVEL_WARNING, "/dev/userfaultfd: %s: clients without privilege cannot let system calls "
			 "fault, ignoring", strerror(-r));
	return 0;
}

static int open_service(struct daemon *d)
{
	int r = tier_record_write(d->world, d->config);

	if (r)
		return fail(r, "the record of the tiers");
	r = errands_new(&d->errands, d->loop);
	if (!r)
		r = errands_new(&d->counts, d->loop);
	if (!r)
		r = blocks_start(d);
	if (!r)
		r = crew_new(&d->crew, d);
	if (r)
		return fail(r, "the threads");
	r = signals_start(d);	/* taken in when the loop runs: who can connect can end it in good order */
	if (r)
		return fail(r, "signals");
	r = server_new(&d->server, d);
	if (r == -EADDRINUSE)
		log_line(LOG_LEVEL_ERROR, "%s: another hmmd listens there; give --socket",
			 d->config->socket);
	else if (r)
		fail(r, d->config->socket);
	if (r)
		return r;
	r = resume_restore(d);
	if (r)
		return fail(r, "what an earlier hmmd left");
	notify_close_rest(!list_empty(&d->unreadable));	/* theirs are among them */
	return 0;
}

static int start_timers(struct daemon *d)
{
	int r = schedule_start(d);

	if (!r)
		r = track_start(d);
	if (!r)
		r = rates_start(d);
	if (!r)
		r = notify_watchdog_start(d);
	if (!r)
		r = server_start(d->server);
	return r ? fail(r, "the loop") : 0;
}

/* Every range is a descriptor, and the usual soft limit of 1024 is for programs that use select().
 */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		log_line(LOG_LEVEL_WARNING, "the limit of descriptors stays as it is: %s, ignoring",
			 strerror(errno));
}

static int open_loop(struct daemon *d, int lodge)
{
	int r = -ENOMEM;

	d->loop = malloc(sizeof(*d->loop));
	if (d->loop)
		r = uv_loop_init(d->loop);
	if (r) {
		free(d->loop);
		d->loop = NULL;
		close(lodge);
		return r;
	}
	return porters_new(&d->porters, d, lodge);
}

int daemon_start(struct daemon *d, const struct options *o, struct config *config)
{
	struct lodge lodge;
	int r;

	*d = (struct daemon){ .options = o, .config = config, .uffd_device = -1, .lock = -1 };
	list_init(&d->waiting_spaces);
	list_init(&d->watched_spaces);
	list_init(&d->graves);
	list_init(&d->unreadable);
	raise_descriptors();
	d->started_us = daemon_now_us(d);
	r = lodge_start(&lodge);
	if (r)
		return fail(r, "the process that receives descriptors");
	r = open_loop(d, lodge.channel);
	if (r)
		return fail(r, "the loop");
	notify_send_start(d->loop);
	r = notify_take_fds();
	if (r < 0)
		return fail(r, "descriptors from systemd");
	r = open_state(d);
	if (!r)
		r = keep_tiers(d);
	if (!r)
		r = open_keeper(d);
	if (!r)
		r = open_world(d);
	if (!r)
		r = open_memory(d);
	if (!r)
		r = open_service(d);
	return r ? r : start_timers(d);
}

int daemon_run(struct daemon *d)
{
	notify_ready(d);
	log_line(LOG_LEVEL_INFO, "hmmd %s serves %s%s", HMMD_VERSION, d->config->socket,
		 d->world->dry_run ? " (dry run: nothing is moved unasked)" : "");
	uv_run(d->loop, UV_RUN_DEFAULT);
	return d->exit_status;
}

/* What a thread that is stuck may still touch is left to the exit of the process. */
static void close_loop(struct daemon *d, bool stuck)
{
	uv_run(d->loop, UV_RUN_DEFAULT);
	if (stuck) {
		log_line(LOG_LEVEL_WARNING, "a client keeps hmmd waiting in its memory; hmmd ends all the same");
		return;
	}
	if (uv_loop_close(d->loop))
		log_line(LOG_LEVEL_ERROR, "a handle of the loop was left open");
	free(d->loop);
}

/* A thread is in the middle of a client's page, in our books and devices: what is left of the ladder is the kernel's to take down. */
static _Noreturn void end_at_once(const struct daemon *d)
{
	log_line(LOG_LEVEL_WARNING, "a client keeps hmmd waiting at a page of its memory; hmmd ends all the same");
	_exit(d->exit_status);
}

/* The mirror of the ladder; the loop runs once more where handles have to be closed. */
void daemon_free(struct daemon *d)
{
	bool stuck;

	if (d->loop) {
		signals_stop(d);
		notify_watchdog_stop(d);
		rates_stop(d);
		track_stop(d);
		schedule_stop(d);
		blocks_stop(d);
	}
	if (d->server)
		server_close(d->server);
	if (d->crew && !crew_end(d->crew))
		end_at_once(d);
	d->crew = crew_free(d->crew);
	stuck = d->errands && !errands_end(d->errands);
	stuck |= d->counts && !errands_end(d->counts);
	if (stuck && (resume_steps() || pins_leaving()))
		end_at_once(d);
	d->errands = errands_free(d->errands);
	d->counts = errands_free(d->counts);
	if (d->world)
		retire_rest(d);
	graves_end(d);
	porters_stop(d->porters);
	notify_send_stop();
	if (d->loop)
		close_loop(d, stuck);
	d->blocks = blocks_free(d->blocks);
	d->porters = porters_free(d->porters);
	d->server = server_free(d->server);
	if (d->uffd_device >= 0)
		close(d->uffd_device);
	unreadable_free(d);
	daemon_tiers_close(d);
	d->keeper = keeper_close(d->keeper);
	if (!stuck)	/* an errand may be in it */
		d->driver = driver_free(d->driver);
	if (d->world) {
		daemon_backing_close(d);
		d->world = world_free(d->world);
	}
	if (d->lock >= 0)
		close(d->lock);
	free(d->config);
}
