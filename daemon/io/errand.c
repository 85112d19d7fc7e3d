// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Errands (errand.h). A user's thread is started with the user's first errand and ends with the last one, so
 * a daemon with nothing to run has no thread for it. The threads are detached: one that is stuck in the kernel
 * is never waited for, neither by the loop nor, for longer than a moment, by the end of the daemon.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "daemon/io/errand.h"

enum {
	AGAIN_MS = 100,		/* between two tries to start a thread */
	END_MS = 500,		/* for errands under way when the daemon ends */
	HANDLES = 2
};

#define NSEC_PER_USEC 1000ULL

struct errands {
	pthread_mutex_t lock;		/* guards what is not the loop's */
	pthread_cond_t ended;		/* a thread has */
	struct list_node users;		/* of struct runner */
	struct list_node run;		/* of struct errand: to be told of on the loop */
	unsigned int threads;
	uv_async_t wake;		/* any thread */
	uv_timer_t again;		/* loop */
	unsigned int handles;		/* loop: not yet closed by libuv */
	bool over;			/* loop: nobody wants to be told any more */
	bool stuck;			/* loop: the end came before some threads did; they may still look in here */
};

struct runner {				/* one user with something to do */
	struct list_node node;
	struct errands *errands;	/* fixed */
	uint32_t uid;			/* fixed */
	struct list_node queue;		/* of struct errand */
	bool running;			/* has its thread */
	uint64_t since_ns;		/* libuv's clock: when the errand under way began; 0: none is */
};

static struct errand *first(struct list_node *list)
{
	struct errand *e;

	if (list_empty(list))
		return NULL;
	e = container_of(list->next, struct errand, node);
	list_remove(&e->node);
	return e;
}

static void *runner_main(void *runner)
{
	struct runner *r = runner;
	struct errands *x = r->errands;
	struct errand *e;

	pthread_mutex_lock(&x->lock);
	while ((e = first(&r->queue))) {
		r->since_ns = uv_hrtime();
		pthread_mutex_unlock(&x->lock);
		e->run(e);
		pthread_mutex_lock(&x->lock);
		r->since_ns = 0;
		list_append(&x->run, &e->node);
		uv_async_send(&x->wake);
	}
	list_remove(&r->node);
	free(r);
	x->threads--;
	pthread_cond_signal(&x->ended);
	pthread_mutex_unlock(&x->lock);
	return NULL;
}

/* Signals are for the loop alone. */
static int start_thread(struct runner *r)
{
	sigset_t all, before;
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	if (pthread_attr_init(&attr))
		return -ENOMEM;
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	rc = pthread_create(&thread, &attr, runner_main, r);
	if (!rc)
		pthread_setname_np(thread, "hmmd-errand");
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return -rc;
}

static void on_again(uv_timer_t *again);

/* Under the lock. */
static void start(struct errands *x, struct runner *r)
{
	if (r->running)
		return;
	r->running = !start_thread(r);
	if (r->running)
		x->threads++;
	else
		uv_timer_start(&x->again, on_again, AGAIN_MS, 0);
}

static void on_again(uv_timer_t *again)
{
	struct errands *x = again->data;

	pthread_mutex_lock(&x->lock);
	LIST_EACH(node, &x->users)
		start(x, container_of(node, struct runner, node));
	pthread_mutex_unlock(&x->lock);
}

static void on_wake(uv_async_t *wake)
{
	struct errands *x = wake->data;
	struct errand *e;

	while (!x->over) {
		pthread_mutex_lock(&x->lock);
		e = first(&x->run);
		pthread_mutex_unlock(&x->lock);
		if (!e)
			return;
		e->done(e);
	}
}

static struct runner *runner_of(struct errands *x, uint32_t uid)
{
	struct runner *r;

	LIST_EACH(node, &x->users) {
		r = container_of(node, struct runner, node);
		if (r->uid == uid)
			return r;
	}
	r = malloc(sizeof(*r));
	if (!r)
		return NULL;
	*r = (struct runner){ .errands = x, .uid = uid };
	list_init(&r->queue);
	list_append(&x->users, &r->node);
	return r;
}

int errand_submit(struct errands *x, uint32_t uid, struct errand *e)
{
	struct runner *r;

	pthread_mutex_lock(&x->lock);
	r = runner_of(x, uid);
	if (r) {
		list_append(&r->queue, &e->node);
		start(x, r);
	}
	pthread_mutex_unlock(&x->lock);
	return r ? 0 : -ENOMEM;
}

uint64_t errands_longest_us(struct errands *x, uint32_t *ret_uid)
{
	uint64_t now = uv_hrtime(), since = now;

	pthread_mutex_lock(&x->lock);
	LIST_EACH(node, &x->users) {
		const struct runner *r = container_of(node, struct runner, node);

		if (r->since_ns && r->since_ns < since) {
			since = r->since_ns;
			*ret_uid = r->uid;
		}
	}
	pthread_mutex_unlock(&x->lock);
	return (now - since) / NSEC_PER_USEC;
}

static void on_closed(uv_handle_t *handle)
{
	struct errands *x = handle->data;

	if (--x->handles)
		return;
	pthread_cond_destroy(&x->ended);
	pthread_mutex_destroy(&x->lock);
	free(x);
}

int errands_new(struct errands **ret, uv_loop_t *loop)
{
	struct errands *x = calloc(1, sizeof(*x));
	int rc;

	if (!x)
		return -ENOMEM;
	rc = uv_async_init(loop, &x->wake, on_wake);
	if (rc < 0) {
		free(x);
		return rc;
	}
	uv_timer_init(loop, &x->again);
	x->wake.data = x->again.data = x;
	x->handles = HANDLES;
	list_init(&x->users);
	list_init(&x->run);
	pthread_mutex_init(&x->lock, NULL);
	pthread_cond_init(&x->ended, NULL);
	*ret = x;
	return 0;
}

static void end_of_wait(struct timespec *ret)
{
	clock_gettime(CLOCK_REALTIME, ret);
	ret->tv_nsec += END_MS * 1000000L;
	ret->tv_sec += ret->tv_nsec / 1000000000L;
	ret->tv_nsec %= 1000000000L;
}

bool errands_end(struct errands *x)
{
	struct timespec end;
	int rc = 0;

	end_of_wait(&end);
	pthread_mutex_lock(&x->lock);
	while (x->threads && !rc)
		rc = pthread_cond_timedwait(&x->ended, &x->lock, &end);
	x->stuck = x->threads || !list_empty(&x->users);
	pthread_mutex_unlock(&x->lock);
	on_wake(&x->wake);
	x->over = true;
	return !x->stuck;
}

struct errands *errands_free(struct errands *x)
{
	if (!x)
		return NULL;
	if (x->stuck) {
		uv_unref((uv_handle_t *)&x->wake);
		uv_timer_stop(&x->again);
		return NULL;
	}
	uv_close((uv_handle_t *)&x->wake, on_closed);
	uv_close((uv_handle_t *)&x->again, on_closed);
	return NULL;
}
