// SPDX-License-Identifier: GPL-2.0-or-later
/* How far the coming back of clients has got, for whoever asks, waits or ends. */
#include <string.h>

#include "daemon/io/resume_own.h"

uint64_t resume_pages_left(const struct resume *w)
{
	uint64_t left = 0;
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->ranges[i].range && !w->ranges[i].live)
			left += range_pages(w->ranges[i].range) - w->ranges[i].next;
	return left;
}

static uint64_t lost_of(const struct resume *w)
{
	uint64_t lost = 0;
	size_t i;

	for (i = 0; i < w->n; i++)
		lost += w->ranges[i].range ? w->ranges[i].lost : 0;
	return lost;
}

/* Its client is not back. */
void resume_tell_orphan(struct daemon *d, const struct resume *w, int rc)
{
	uint64_t lost = lost_of(w);

	if (rc < 0)
		daemon_client_event(d, EVENT_ERROR, w->who.client,
				    "client %llu (pid %d) cannot be served before it is back: %s",
			     (unsigned long long)w->who.client, (int)w->who.pid, strerror(-rc));
	else
		daemon_client_event(d, lost ? EVENT_ERROR : EVENT_INFO, w->who.client,
			     "client %llu (pid %d) is served again, %zu ranges, %llu pages lost",
			     (unsigned long long)w->who.client, (int)w->who.pid, w->n, (unsigned long long)lost);
}

static bool has_left(const struct resume *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (w->ranges[i].range && !w->ranges[i].live)
			return true;
	return false;
}

static void count(struct list_node *list, uint64_t *clients, uint64_t *pages)
{
	LIST_EACH(node, list) {
		const struct resume *w = container_of(node, struct resume, node);

		*clients += w->recovering;
		*pages += w->recovering ? resume_pages_left(w) : 0;
	}
}

void resume_progress(struct daemon *d, uint64_t *ret_clients, uint64_t *ret_pages)
{
	*ret_clients = *ret_pages = 0;
	count(resume_claimed(), ret_clients, ret_pages);
	count(&d->waiting_spaces, ret_clients, ret_pages);
}

bool resume_is_recovering(struct daemon *d, const struct space *s)
{
	const struct resume *w = resume_find(d, s);

	return w && w->recovering;
}

bool resume_is_unsettled(struct daemon *d, const struct space *s)
{
	const struct resume *w = resume_find(d, s);

	return w && has_left(w);
}

bool resume_any_left(struct daemon *d)
{
	LIST_EACH(node, resume_claimed())
		if (has_left(container_of(node, struct resume, node)))
			return true;
	LIST_EACH(node, &d->waiting_spaces)
		if (has_left(container_of(node, struct resume, node)))
			return true;
	return false;
}
