// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The optional helper thread: hmm_client_process() whenever it is wanted. It takes no signal of the
 * program and ends with the last reference, also when its own event handler drops that one.
 */
#include <errno.h>
#include <signal.h>
#include <sys/epoll.h>

#include "libclient/client.h"
#include "libclient/clock.h"

enum { EPOLL_LONGEST_MS = 60 * 1000 };	/* an int of milliseconds cannot hold every timeout */

static int milliseconds_until(uint64_t due_us)
{
	uint64_t now_us = clock_now_us(), left_ms;

	if (due_us == CLOCK_NEVER)
		return -1;
	left_ms = due_us > now_us ? (due_us - now_us + 999) / 1000 : 0;
	return left_ms < EPOLL_LONGEST_MS ? (int)left_ms : EPOLL_LONGEST_MS;
}

static void *helper_main(void *userdata)
{
	struct hmm_client *c = userdata;
	struct epoll_event event;
	bool last;
	int timeout_ms;

	pthread_mutex_lock(&c->lock);
	while (!c->ending) {
		client_process(c);
		if (c->ending)
			break;
		timeout_ms = milliseconds_until(client_due(c));
		pthread_mutex_unlock(&c->lock);
		epoll_wait(c->epoll_fd, &event, 1, timeout_ms);
		pthread_mutex_lock(&c->lock);
	}
	last = c->ended_by_helper;
	pthread_mutex_unlock(&c->lock);
	if (last)
		client_destroy(c);
	return NULL;
}

int helper_start(struct hmm_client *c)
{
	sigset_t all, was;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	pthread_mutex_lock(&c->lock);
	r = pthread_create(&c->helper, NULL, helper_main, c);
	c->has_helper = r == 0;
	pthread_mutex_unlock(&c->lock);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return -r;
}

void helper_stop(struct hmm_client *c)
{
	bool self = pthread_equal(pthread_self(), c->helper);

	pthread_mutex_lock(&c->lock);
	c->ending = true;
	c->ended_by_helper = self;
	work_wake(c);
	pthread_mutex_unlock(&c->lock);
	if (self) {
		pthread_detach(c->helper);
		return;
	}
	pthread_join(c->helper, NULL);
	client_destroy(c);
}
