// SPDX-License-Identifier: GPL-2.0-or-later
/* Topic doctor: what the machine can do (mech), then what this daemon made of it. */
#include <grp.h>
#include <stdio.h>
#include <string.h>

#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/daemon_backing.h"
#include "daemon/io/denied.h"
#include "daemon/io/errand.h"
#include "daemon/io/notify.h"
#include "daemon/io/options.h"
#include "daemon/io/query.h"
#include "daemon/io/server.h"
#include "daemon/io/unreadable.h"
#include "daemon/io/waits.h"
#include "daemon/mech/limits.h"

static const struct column columns[] = {
	{ "check", UNIT_TEXT },
	{ "state", UNIT_TEXT },
	{ "text", UNIT_TEXT },
	{ "remedy", UNIT_TEXT },
};
enum { DOCTOR_LINES = 40, OUR_LINES = 16 };

struct findings {
	struct doctor_line lines[DOCTOR_LINES];
	size_t n;
};

static struct doctor_line *add(struct findings *f, const char *check, enum doctor_state state)
{
	struct doctor_line *l = &f->lines[f->n++];

	*l = (struct doctor_line){ .check = check, .state = state };
	return l;
}

static void examine_backing(const struct daemon *d, struct findings *f)
{
	bool huge = d->backing != HMMD__BACKING__BACKING_BASE;
	struct doctor_line *l = add(f, "backing", huge ? DOCTOR_OK : DOCTOR_DEGRADED);

	snprintf(l->text, sizeof(l->text), "%s", d->backing_reason);
	if (!huge)
		snprintf(l->remedy, sizeof(l->remedy), "systemctl restart hmmd.service");
}

/* Of modes and sandbox only the unit of the service is known. */
static void tier_remedy(const struct tier_config *t, char *ret, size_t size)
{
	if (!notify_has_store() || !denied_remedy(t, ret, size))
		snprintf(ret, size, "repair it, or take it out of hmmd.conf, and restart hmmd");
}

static void examine_tiers(const struct daemon *d, struct findings *f)
{
	struct doctor_line *l = add(f, "tiers", DOCTOR_OK);
	const struct world *w = d->world;
	const char *in_memory = NULL;
	unsigned int failed = 0;	/* how many, and of them the first is named */

	for (unsigned int i = 0; i < w->n_tiers; i++) {
		if (w->tiers[i].device != w->tiers[i].config.kind)
			in_memory = w->tiers[i].config.name;
		if (w->tiers[i].state != TIER_FAILED && !atomic_load(&d->devices[i].failed))
			continue;
		if (failed++)
			continue;
		snprintf(l->text, sizeof(l->text), "tier %s: %.100s", w->tiers[i].config.name,
			 d->tier_trouble[i][0] ? d->tier_trouble[i] : "an I/O error was seen");
		tier_remedy(&w->tiers[i].config, l->remedy, sizeof(l->remedy));
	}
	if (!failed) {
		snprintf(l->text, sizeof(l->text), "all %u opened%s%s%s", w->n_tiers, in_memory ? ", " : "",
			 in_memory ? in_memory : "", in_memory ? " in memory and not in its file" : "");
		return;
	}
	l->state = DOCTOR_DEGRADED;
}

/* Of which tiers the kernel gives less than was configured, and what limits it. */
static void examine_room(const struct daemon *d, struct findings *f)
{
	struct doctor_line *l = add(f, "room", DOCTOR_OK);
	const struct world *w = d->world;

	snprintf(l->text, sizeof(l->text), "the kernel gives all that the tiers of memory were configured with");
	for (unsigned int i = 0; i < w->n_tiers; i++) {
		if (!atomic_load(&w->tiers[i].shortage.on))
			continue;
		l->state = DOCTOR_DEGRADED;
		snprintf(l->text, sizeof(l->text), "tier %s: %.120s", w->tiers[i].config.name,
			 d->short_of[i].text[0] ? d->short_of[i].text
						: wait_reason_text(atomic_load(&w->tiers[i].shortage.reason)));
		snprintf(l->remedy, sizeof(l->remedy), "%s", d->short_of[i].remedy);
		return;
	}
}

static void examine_memory(const struct daemon *d, struct findings *f)
{
	uint64_t wanted = daemon_memory_wanted(d);
	struct room_limit limit;
	bool less = memory_limit_below(wanted, &limit);
	struct doctor_line *l = add(f, "memory_limit", less ? DOCTOR_DEGRADED : DOCTOR_OK);

	if (!less) {
		snprintf(l->text, sizeof(l->text), "no control group limits hmmd to less memory than its tiers may take");
		return;
	}
	snprintf(l->text, sizeof(l->text), "tiers may take %llu MiB, and hmmd is killed beyond less: %.90s",
		 (unsigned long long)(wanted >> 20), limit.text);
	snprintf(l->remedy, sizeof(l->remedy), "%s", limit.remedy);
}

/* Who waits longest, and what would help. */
static void examine_waits(const struct query *q, struct findings *f)
{
	struct daemon *d = q->daemon;
	uint64_t now_us = daemon_now_us(d), us;
	const struct space *s = waits_look(d, now_us);
	struct doctor_line *l = add(f, "waiting", DOCTOR_OK);
	char who[QUERY_WHO];

	us = s ? wait_sum_us(&s->waiting.now, now_us) : 0;
	if (us < WAIT_LONG_US) {
		snprintf(l->text, sizeof(l->text), "no thread waits for a page for long");
		return;
	}
	l->state = DOCTOR_DEGRADED;
	snprintf(l->text, sizeof(l->text), "%s, for %.1f s: %.100s", query_who(q, s, who, sizeof(who)),
		 (double)us / 1e6, wait_reason_text(s->waiting.now.reason));
	snprintf(l->remedy, sizeof(l->remedy), "%s", wait_reason_remedy(s->waiting.now.reason));
}

/* Only errands of the same user wait behind it. */
static void examine_errands(const struct daemon *d, struct findings *f)
{
	struct doctor_line *l = add(f, "errands", DOCTOR_OK);
	uint32_t uid = 0, other = 0;
	uint64_t us = errands_longest_us(d->errands, &uid), counts_us = errands_longest_us(d->counts, &other);

	if (us < WAIT_LONG_US && counts_us < WAIT_LONG_US) {
		snprintf(l->text, sizeof(l->text), "no program keeps hmmd waiting in its memory or at its files");
		return;
	}
	l->state = DOCTOR_DEGRADED;
	snprintf(l->text, sizeof(l->text), "a program of uid %u has kept hmmd waiting in its memory or at its files for %.1f s; "
		 "only that user's programs wait for it", us < counts_us ? other : uid,
		 (double)(us < counts_us ? counts_us : us) / 1e6);
	snprintf(l->remedy, sizeof(l->remedy), "end the program that holds its own lock, or whose memory is of a file system "
		 "that does not answer");
}

/* Who has most. */
static const struct account *in_excess(const struct world *w)
{
	const struct account *most = NULL;

	LIST_EACH(node, &w->accounts) {
		const struct account *a = container_of(node, struct account, in_world);

		if (a->excess.charged > (most ? most->excess.charged : 0))
			most = a;
	}
	return most;
}

static void examine_files(const struct daemon *d, struct findings *f)
{
	const struct account *a = in_excess(d->world);
	struct doctor_line *l = add(f, "files", a ? DOCTOR_DEGRADED : DOCTOR_OK);

	if (!a) {
		snprintf(l->text, sizeof(l->text), "all that lies in the files of managed ranges was put there by hmmd");
		return;
	}
	snprintf(l->text, sizeof(l->text), "uid %u has %llu MiB in the files of its ranges that hmmd has not put there%s",
		 a->uid, (unsigned long long)(a->excess.charged >> 20),
		 excess_is_over(a, d->world) ? ", beyond its limit: it gets no more managed memory" : "");
	snprintf(l->remedy, sizeof(l->remedy), "end the program that fills its ranges' files past hmmd, or have it punch "
		 "what it has put there");
}

/* The kernel leaves alone only what lies in files of huge pages. */
static bool kernel_may_move(const struct daemon *d)
{
	LIST_EACH(node, &d->world->spaces) {
		const struct space *s = container_of(node, struct space, in_world);

		if (s->adopted_bytes || (s->managed_bytes && !d->mech->ops->huge))
			return true;
	}
	return false;
}

/*
 * NUMA balancing sends a page to the node of the thread that touches it, also right after somebody moved it elsewhere;
 * demotion sends what is reclaimed to slower nodes.
 */
static void examine_balancing(const struct daemon *d, struct findings *f)
{
	bool balances = d->world->many_nodes && numa_balancing(), demotes = d->world->many_nodes && numa_demotion();
	bool on = balances || demotes, undoes = on && kernel_may_move(d);
	struct doctor_line *l = add(f, "balancing", undoes ? DOCTOR_DEGRADED : DOCTOR_OK);

	snprintf(l->text, sizeof(l->text), !d->world->many_nodes ? "this machine has one NUMA node" :
		 !on ? "the kernel's NUMA balancing and demotion are off" :
		 !undoes ? "the kernel moves pages between nodes by itself, and there is no memory that it could move" :
		 balances ? "the kernel's NUMA balancing moves memory to who touches it, and undoes moves to other nodes" :
		 "the kernel demotes memory to slower nodes when one is short of it, and undoes moves to faster ones");
	if (undoes)
		snprintf(l->remedy, sizeof(l->remedy), "%s%s%s", balances ? "sysctl kernel.numa_balancing=0" : "",
			 balances && demotes ? "; " : "", demotes ? "echo 0 >/sys/kernel/mm/numa/demotion_enabled" : "");
}

static void examine_threads(const struct daemon *d, struct findings *f)
{
	unsigned int stuck = crew_stuck(d->crew);
	struct doctor_line *l = add(f, "fault_threads", stuck ? DOCTOR_DEGRADED : DOCTOR_OK);

	if (!stuck) {
		snprintf(l->text, sizeof(l->text), "all of them get on");
		return;
	}
	snprintf(l->text, sizeof(l->text), "%u of them have made no progress for 5 s: programs of their users wait at them",
		 stuck);
	snprintf(l->remedy, sizeof(l->remedy), "systemctl restart hmmd");
}

/* As the server has looked it up: a group that is made later counts after a reload. */
static bool is_there(struct doctor_line *l, const struct server_group *g, const char *name, const char *without)
{
	bool now = getgrnam(name);

	if (!g->named || g->there)
		return true;
	l->state = DOCTOR_DEGRADED;
	snprintf(l->text, sizeof(l->text), "there %s no group %s: only root and hmmd's user %s", now ? "was" : "is", name, without);
	snprintf(l->remedy, sizeof(l->remedy), "%s%s%skill -HUP %d", now ? "" : "groupadd --system ", now ? "" : name,
		 now ? "" : " && ", (int)getpid());
	return false;
}

static void examine_control(const struct daemon *d, struct findings *f)
{
	struct doctor_line *l = add(f, "control_group", DOCTOR_OK);
	const struct server_group *g = &d->server->control_group;
	const char *group = d->world->config.control_group;

	if (is_there(l, g, group, "may control hmmd"))
		snprintf(l->text, sizeof(l->text), "root, hmmd's user%s%s may control hmmd", g->named ? " and group " : "",
			 group);
}

static void examine_device_group(const struct daemon *d, struct findings *f)
{
	struct doctor_line *l = add(f, "userfaultfd_group", DOCTOR_OK);
	const struct server_group *g = &d->server->uffd_group;
	const char *group = d->world->config.uffd_group;

	if (d->uffd_device < 0)
		snprintf(l->text, sizeof(l->text), "hmmd has no /dev/userfaultfd to hand to anybody");
	else if (is_there(l, g, group, "are handed /dev/userfaultfd"))
		snprintf(l->text, sizeof(l->text), g->named ? "root, hmmd's user and group %s are handed /dev/userfaultfd" :
							      "everybody is handed /dev/userfaultfd%s", group);
}

static void examine_config(const struct daemon *d, struct findings *f)
{
	struct doctor_line *l = add(f, "config", d->config_refused[0] ? DOCTOR_DEGRADED : DOCTOR_OK);

	if (!d->config_refused[0]) {
		snprintf(l->text, sizeof(l->text), "%.150s", d->config_origin);
		return;
	}
	snprintf(l->text, sizeof(l->text), "it is what was read before: %.120s", d->config_refused);
	snprintf(l->remedy, sizeof(l->remedy), "hmmd%s%.100s%s --check-config", d->options->config ? " --config " : "",
		 d->options->config ? d->options->config : "", d->options->rootless ? " --rootless" : "");
}

static void examine_store(const struct daemon *d, struct findings *f)
{
	bool store = notify_has_store();
	struct doctor_line *l = add(f, "fdstore", store ? DOCTOR_OK : DOCTOR_DEGRADED);

	snprintf(l->text, sizeof(l->text),
		 store ? "systemd keeps the descriptors over a restart"
		 : d->keeper ? "no descriptor store: over a restart the clients send theirs again, and a process of "
			       "hmmd's keeps the memory devices"
			     : "no descriptor store and no keeper: what is on memory devices is lost if hmmd is killed");
	if (!store)
		snprintf(l->remedy, sizeof(l->remedy), "systemctl restart hmmd.service");
}

static void examine_ledgers(const struct daemon *d, struct findings *f)
{
	struct doctor_line *l = add(f, "ledgers", DOCTOR_OK);
	unsigned int n = unreadable_count(d, l->text, sizeof(l->text));

	if (!n) {
		snprintf(l->text, sizeof(l->text), "every one that was found at the start could be used");
		return;
	}
	l->state = DOCTOR_DEGRADED;
	snprintf(l->remedy, sizeof(l->remedy), "start the hmmd that can use it; or end its program or remove the file, and what "
		 "it has on devices is given up");
}

static const char *state_text(enum doctor_state state)
{
	return state == DOCTOR_OK ? "ok" : state == DOCTOR_DEGRADED ? "degraded" : "missing";
}

static int query_doctor(struct query *q)
{
	struct findings f;

	f.n = doctor_examine(f.lines, DOCTOR_LINES - OUR_LINES);
	examine_backing(q->daemon, &f);
	examine_tiers(q->daemon, &f);
	examine_room(q->daemon, &f);
	examine_memory(q->daemon, &f);
	examine_waits(q, &f);
	examine_errands(q->daemon, &f);
	examine_files(q->daemon, &f);
	examine_balancing(q->daemon, &f);
	examine_threads(q->daemon, &f);
	examine_control(q->daemon, &f);
	examine_device_group(q->daemon, &f);
	examine_config(q->daemon, &f);
	examine_store(q->daemon, &f);
	examine_ledgers(q->daemon, &f);
	for (size_t i = q->cursor; i < f.n; i++) {
		if (!table_row(q->table))
			return 0;
		table_text(q->table, f.lines[i].check);
		table_text(q->table, state_text(f.lines[i].state));
		table_text(q->table, f.lines[i].text);
		table_text(q->table, f.lines[i].remedy[0] ? f.lines[i].remedy : NULL);
		table_row_end(q->table);
	}
	return 0;
}

const struct topic topic_doctor = { .name = "doctor", .fn = query_doctor, TOPIC_COLUMNS(columns) };
