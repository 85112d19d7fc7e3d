// SPDX-License-Identifier: LGPL-2.1-or-later
/* Making and ending a client, and what a program's own loop asks it. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "libclient/client.h"
#include "libclient/clock.h"
#include "libclient/gate.h"
#include "libclient/uffd.h"
#include "proto/ledger.h"

int client_check(const struct hmm_client *c)
{
	if (!c)
		return -EINVAL;
	return getpid() == c->pid ? 0 : -ECHILD;
}

int client_lock(struct hmm_client *c)
{
	int r = client_check(c);

	if (!r)
		pthread_mutex_lock(&c->lock);
	return r;
}

int client_enter(struct hmm_client *c)
{
	int r = client_lock(c);

	if (!r)
		client_forget_refusal(c);
	return r;
}

void client_leave(struct hmm_client *c)
{
	pthread_mutex_unlock(&c->lock);
}

static int open_fds(struct hmm_client *c)
{
	struct epoll_event event = { .events = EPOLLIN };

	c->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll_fd < 0)
		return -errno;
	c->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (c->wake_fd < 0 || epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->wake_fd, &event) < 0)
		return -errno;
	return 0;
}

static void init_lock(struct hmm_client *c)
{
	pthread_condattr_t attr;

	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
}

static int client_alloc(struct hmm_client **ret)
{
	struct hmm_client *c = calloc(1, sizeof(*c));
	int r = -ENOMEM;

	if (!c)
		return -ENOMEM;
	atomic_init(&c->users, 1);
	c->pid = getpid();
	c->next_id = 1;
	c->stand_in_us = CLOCK_NEVER;
	c->epoll_fd = c->wake_fd = c->uffd_device = c->driver = c->ledger.fd = -1;
	work_init(&c->work);
	init_lock(c);
	c->in = malloc(HMM_LIMIT_FRAME);
	c->out = malloc(HMM_LIMIT_FRAME);
	c->decode = malloc(HMM_LIMIT_DECODE);
	if (c->in && c->out && c->decode) {
		arena_init(&c->arena, c->decode, HMM_LIMIT_DECODE);
		r = open_fds(c);
	}
	if (r) {
		client_destroy(c);
		return r;
	}
	*ret = c;
	return 0;
}

/* Where there is nobody to say why. */
static void say_unreachable(struct hmm_client *c, int r)
{
	const char *path = c->address.sun_path;
	char *text = c->session.request.text;
	const size_t size = sizeof(c->session.request.text);

	if (r == -ENOTSOCK)
		snprintf(text, size, "%s is not a socket", path);
	else if (r == -EPERM && c->own_only)
		snprintf(text, size, "the daemon at %s is not this user's", path);
	else if (r == -ENOENT || r == -ECONNREFUSED)
		snprintf(text, size, "no daemon at %s%s", path,
			 c->looked_around ? ", nor one of this user's below $XDG_RUNTIME_DIR" : "");
	else
		snprintf(text, size, "%s: %s", path, strerror(-r));
}

static int connect_first(struct hmm_client *c)
{
	int r;

	pthread_mutex_lock(&c->lock);
	r = session_connect(c);
	if (r && !c->session.request.text[0])
		say_unreachable(c, r);
	if (!r && session_settle(c) < 0)
		r = c->session.error;
	pthread_mutex_unlock(&c->lock);
	return r;
}

/* The options have been read: they are as large as they say. */
static void say_why(const struct hmm_client *c, const struct hmm_client_options *opts)
{
	struct hmm_client_options o = { 0 };

	if (opts && struct_read(&o, sizeof(o), opts) == 0 && o.error_text && o.error_size)
		snprintf(o.error_text, o.error_size, "%s", c->session.request.text);
}

int hmm_client_new(struct hmm_client **ret, const struct hmm_client_options *opts)
{
	struct hmm_client *c;
	int r;

	if (!ret)
		return -EINVAL;
	r = client_alloc(&c);
	if (r)
		return r;
	r = client_configure(c, opts);
	if (!r)
		r = connect_first(c);
	if (!r && !(c->flags & HMM_CLIENT_NO_HELPER))
		r = helper_start(c);
	if (r) {
		say_why(c, opts);
		client_destroy(c);
		return r;
	}
	*ret = c;
	return 0;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

void client_destroy(struct hmm_client *c)
{
	bool own = getpid() == c->pid;

	/*
	 * In a fork the lock may be held by a thread that is not there, and the daemon is not ours.
	 */
	if (own) {
		pthread_mutex_lock(&c->lock);
		work_drop_all(c);
	}
	free_all_ranges(c, own);
	if (own) {
		c->session.was_up = false;
		session_drop(c, -ENOTCONN);
		work_drop_all(c);
		pthread_mutex_unlock(&c->lock);
	}
	link_unref(c->link);
	uffd_unref(c->uffd);
	ledger_close(&c->ledger);
	gate_unmap(c->gate);
	close_fd(c->driver);
	close_fd(c->uffd_device);
	close_fd(c->wake_fd);
	close_fd(c->epoll_fd);
	free(c->ranges.buckets);
	free(c->in);
	free(c->out);
	free(c->decode);
	if (own) {
		pthread_cond_destroy(&c->changed);
		pthread_mutex_destroy(&c->lock);
	}
	free(c);
}

struct hmm_client *hmm_client_ref(struct hmm_client *c)
{
	if (c)
		atomic_fetch_add(&c->users, 1);
	return c;
}

struct hmm_client *hmm_client_unref(struct hmm_client *c)
{
	if (!c || atomic_fetch_sub(&c->users, 1) > 1)
		return NULL;
	if (!c->has_helper || getpid() != c->pid)
		client_destroy(c);
	else
		helper_stop(c);
	return NULL;
}

void hmm_client_set_userdata(struct hmm_client *c, void *userdata)
{
	if (c)
		atomic_store(&c->userdata, userdata);
}

void *hmm_client_get_userdata(const struct hmm_client *c)
{
	return c ? atomic_load(&((struct hmm_client *)(uintptr_t)c)->userdata) : NULL;
}

int hmm_client_get_fd(struct hmm_client *c)
{
	int r = client_check(c);

	return r ? r : c->epoll_fd;
}

int hmm_client_get_events(struct hmm_client *c)
{
	int r = client_check(c);

	return r ? r : POLLIN;
}

uint64_t client_due(const struct hmm_client *c)
{
	uint64_t due_us = session_due(c), retry_us;

	due_us = c->stand_in_us < due_us ? c->stand_in_us : due_us;
	if (!c->work.blocked)
		return due_us;
	retry_us = clock_after(WORK_RETRY_US);
	return retry_us < due_us ? retry_us : due_us;
}

int hmm_client_get_timeout(struct hmm_client *c, uint64_t *ret_us)
{
	uint64_t due_us, now_us;
	int r;

	if (!ret_us)
		return -EINVAL;
	r = client_lock(c);
	if (r)
		return r;
	due_us = client_due(c);
	client_leave(c);
	now_us = clock_now_us();
	if (due_us == CLOCK_NEVER)
		*ret_us = UINT64_MAX;
	else
		*ret_us = due_us > now_us ? due_us - now_us : 0;
	return due_us == CLOCK_NEVER;
}

bool client_abandoned(struct hmm_client *c)
{
	return c->ending || atomic_load(&c->users) <= c->processing;
}

int client_process(struct hmm_client *c)
{
	session_tick(c);
	stand_in_tick(c);
	if (c->link && !c->reading)
		wire_receive(c, NULL);
	work_run(c);
	return c->session.state == SESSION_UP ? 0 : -ENOTCONN;
}

int hmm_client_process(struct hmm_client *c)
{
	int r = client_enter(c);

	if (r)
		return r;
	/* The program's handler may drop the last reference. */
	hmm_client_ref(c);
	c->processing++;
	r = client_process(c);
	c->processing--;
	client_leave(c);
	hmm_client_unref(c);
	return r;
}

int hmm_client_set_event_handler(struct hmm_client *c, hmm_event_fn *fn, void *userdata)
{
	int r = client_enter(c);

	if (r)
		return r;
	c->work.handler = fn;
	c->work.userdata = userdata;
	client_leave(c);
	return 0;
}

size_t hmm_huge_page_size(struct hmm_client *c)
{
	/* The only size a session is made with: session.c refuses a daemon with another. */
	return c ? LEDGER_PAGE_SIZE : 0;
}
