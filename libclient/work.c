// SPDX-License-Identifier: LGPL-2.1-or-later
/* The queue between whoever reads the socket and whoever may call the program. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "libclient/client.h"

struct work {
	struct work *next;
	bool is_zap;
	struct hmm_event event;	/* its strings lie behind the struct */
	uint64_t zap, connection;
	bool zapped;		/* only the answer is missing */
	uint32_t n_spans;
	struct zap_span spans[];
};

void work_init(struct work_queue *q)
{
	q->last = &q->first;
}

void work_wake(struct hmm_client *c)
{
	uint64_t one = 1;
	ssize_t n;

	do
		n = write(c->wake_fd, &one, sizeof(one));
	while (n < 0 && errno == EINTR);
}

/*
 * A program may call hmm_client_process() beside the helper thread. The wake-up stays the helper's then: it may
 * have been about to sleep for longer than what has changed allows.
 */
static void sleep_again(struct hmm_client *c)
{
	uint64_t count;
	ssize_t n;

	if (c->has_helper && !pthread_equal(pthread_self(), c->helper))
		return;
	do
		n = read(c->wake_fd, &count, sizeof(count));
	while (n < 0 && errno == EINTR);
}

static void push(struct hmm_client *c, struct work *w)
{
	w->next = NULL;
	*c->work.last = w;
	c->work.last = &w->next;
	if (c->work.count++ == 0)
		work_wake(c);
}

static void push_front(struct work_queue *q, struct work *w)
{
	w->next = q->first;
	if (!q->first)
		q->last = &w->next;
	q->first = w;
	q->count++;
}

static struct work *pop(struct work_queue *q)
{
	struct work *w = q->first;

	if (!w)
		return NULL;
	q->first = w->next;
	if (!q->first)
		q->last = &q->first;
	q->count--;
	return w;
}

static void drop(struct work *w)
{
	range_unref(w->event.range);
	free(w);
}

/* A copy behind the struct; NULL stays NULL. */
static const char *keep(char **end, const char *s)
{
	char *start = *end;

	if (!s)
		return NULL;
	*end = stpcpy(start, s) + 1;
	return start;
}

void work_event(struct hmm_client *c, const struct hmm_event *event)
{
	size_t room = (event->tier ? strlen(event->tier) + 1 : 0) +
		      (event->text ? strlen(event->text) + 1 : 0);
	struct work *w;
	char *end;

	if (!c->work.handler || c->work.count >= WORK_QUEUE)
		return;
	w = calloc(1, sizeof(*w) + room);
	if (!w)
		return;
	end = (char *)(w + 1);
	w->event = *event;
	w->event.size = sizeof(w->event);
	w->event.tier = keep(&end, event->tier);
	w->event.text = keep(&end, event->text);
	if (w->event.range)
		w->event.range->users++;
	push(c, w);
}

void work_zap(struct hmm_client *c, const Hmmd__Zap *zap)
{
	struct work *w;

	if (c->work.count >= WORK_QUEUE)
		return;
	w = calloc(1, sizeof(*w) + zap->n_range * sizeof(w->spans[0]));
	if (!w)
		return;
	w->is_zap = true;
	w->zap = zap->zap;
	w->connection = c->session.connection;
	w->n_spans = (uint32_t)zap->n_range;
	for (uint32_t i = 0; i < w->n_spans; i++)
		w->spans[i] = (struct zap_span){ zap->range[i], zap->offset[i], zap->length[i] };
	push(c, w);
}

static void deliver(struct hmm_client *c, struct work *w)
{
	hmm_event_fn *handler = c->work.handler;
	void *userdata = c->work.userdata;

	/* A range that was freed meanwhile is not the program's any more. */
	if (!handler || (w->event.range && !w->event.range->listed))
		return;
	pthread_mutex_unlock(&c->lock);
	handler(c, &w->event, userdata);
	pthread_mutex_lock(&c->lock);
}

/* -EAGAIN: the answer has to wait. */
static int zap(struct hmm_client *c, struct work *w)
{
	Hmmd__ZapDone done = HMMD__ZAP_DONE__INIT;
	Hmmd__Message m = WIRE_MESSAGE(ZAP_DONE, zap_done, &done);

	if (!w->zapped)
		zap_run(c, w->connection, w->spans, w->n_spans);
	w->zapped = true;
	done.zap = w->zap;
	return wire_event(c, &m);
}

void work_run(struct hmm_client *c)
{
	struct work *w;

	sleep_again(c);
	c->work.blocked = false;
	while (!client_abandoned(c) && (w = pop(&c->work))) {
		if (w->is_zap && zap(c, w) == -EAGAIN) {
			push_front(&c->work, w);
			c->work.blocked = true;
			return;
		}
		if (!w->is_zap)
			deliver(c, w);
		drop(w);
	}
}

void work_drop_all(struct hmm_client *c)
{
	struct work *w;

	while ((w = pop(&c->work)))
		drop(w);
}
