// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who waits (waits.h). Each second it is looked at anew, and whenever somebody asks; between two looks the
 * threads keep the longest wait that ended. A client is told of when somebody waits in it for long, and again
 * when nobody has for a while, so that neither one that waits all the time nor one that waits again and again
 * fills the log; nor does a user with many of them, of whom one is named and the others are counted.
 */
#include "daemon/core/world.h"
#include "daemon/io/crew.h"
#include "daemon/io/daemon.h"
#include "daemon/io/resume.h"
#include "daemon/io/waits.h"

static double seconds(uint64_t us)
{
	return (double)us / 1e6;
}

const struct space *waits_look(struct daemon *d, uint64_t now_us)
{
	const struct space *longest = NULL;

	LIST_EACH(node, &d->world->spaces)
		container_of(node, struct space, in_world)->waiting.now = (struct wait_sum){ .pages = 0 };
	crew_waits(d->crew);
	resume_waits(d);
	LIST_EACH(node, &d->world->spaces) {
		const struct space *s = container_of(node, struct space, in_world);

		if (s->waiting.now.pages && (!longest || wait_sum_us(&s->waiting.now, now_us) >
							 wait_sum_us(&longest->waiting.now, now_us)))
			longest = s;
	}
	return longest;
}

static void tell_long(struct daemon *d, const struct space *s, const struct wait_sum *sum, uint64_t now_us)
{
	if (sum->pages)
		daemon_client_event(d, EVENT_WARNING, s->client, "client %llu (pid %d): threads wait for %u pages, for %.1f s by now: %s",
				    (unsigned long long)s->client, (int)s->pid, sum->pages,
				    seconds(wait_sum_us(sum, now_us)), wait_reason_text(sum->reason));
	else
		daemon_client_event(d, EVENT_WARNING, s->client, "client %llu (pid %d): a thread waited %.1f s for a page: %s",
				    (unsigned long long)s->client, (int)s->pid, seconds(now_us - sum->since_us),
				    wait_reason_text(sum->reason));
}

static void tell_over(struct daemon *d, const struct space *s)
{
	daemon_client_event(d, EVENT_INFO, s->client, "client %llu (pid %d): no thread waits long any more; the longest waited %.1f s",
			    (unsigned long long)s->client, (int)s->pid, seconds(s->waiting.longest_us));
}

static void look_at(struct daemon *d, struct space *s, uint64_t now_us)
{
	struct account *a = s->account;
	struct wait_sum sum;
	enum wait_news news = waiting_news(&s->waiting, now_us, &sum);

	if (news == WAIT_NEWS_NONE)
		return;
	if (a->waits_told++)
		return;
	if (news == WAIT_NEWS_LONG)
		tell_long(d, s, &sum, now_us);
	else
		tell_over(d, s);
}

void waits_tell(struct daemon *d, uint64_t now_us)
{
	waits_look(d, now_us);
	LIST_EACH(node, &d->world->accounts)
		container_of(node, struct account, in_world)->waits_told = 0;
	LIST_EACH(node, &d->world->spaces)
		look_at(d, container_of(node, struct space, in_world), now_us);
	LIST_EACH(node, &d->world->accounts) {
		const struct account *a = container_of(node, struct account, in_world);

		if (a->waits_told > 1)
			daemon_event(d, EVENT_INFO, "uid %u: waits of %u more clients have begun or ended, see hmmctl clients",
				     a->uid, a->waits_told - 1);
	}
}
