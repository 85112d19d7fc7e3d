// SPDX-License-Identifier: LGPL-2.1-or-later
/* The steps of a connection and what each answer leads to. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "libclient/client.h"
#include "libclient/clock.h"
#include "libclient/driver.h"
#include "libclient/gate.h"
#include "libclient/uffd.h"
#include "proto/image.h"
#include "proto/ledger.h"

/* Pauses between attempts: short at first, because a restart takes a fraction of a second. */
#define BACKOFF_FIRST_US 50000ULL
#define BACKOFF_LAST_US 1000000ULL

static void tell(struct hmm_client *c, uint32_t type)
{
	struct hmm_event event = { .type = type };

	work_event(c, &event);
}

static void plan_attempt(struct session *s, uint64_t now_us)
{
	s->backoff_us = s->backoff_us ? s->backoff_us * 2 : BACKOFF_FIRST_US;
	if (s->backoff_us > BACKOFF_LAST_US)
		s->backoff_us = BACKOFF_LAST_US;
	s->attempt_at_us = now_us + s->backoff_us;
}

/* Posts the request of a step; its answer comes to session_advance(). */
static int step(struct hmm_client *c, enum session_state state, const Hmmd__Message *m,
		const int *fds, size_t n_fds)
{
	c->session.state = state;
	c->session.deadline_us = clock_after(WIRE_ANSWER_US);
	return wire_post(c, &c->session.request, m, fds, n_fds);
}

static int refuse_ledger(struct hmm_client *c, int r)
{
	snprintf(c->session.request.text, sizeof(c->session.request.text),
		 r == -EPROTONOSUPPORT
			 ? "the ledger that hmmd gives is of another version than %d, which this library reads: "
			   "update one of them"
			 : "what hmmd gives is no ledger of version %d",
		 LEDGER_VERSION);
	return r == -EPROTONOSUPPORT ? r : -EPROTO;
}

/* The descriptors of HelloReply, in their order. */
static int take_fds(struct hmm_client *c, const Hmmd__HelloReply *h, int *fds)
{
	size_t n = 0;
	int fd, r;

	if (c->uffd_device >= 0)
		close(c->uffd_device);
	c->uffd_device = -1;
	if (h->features & HMMD__FEATURE__FEATURE_LEDGER) {
		fd = fds[n];
		fds[n++] = -1;
		r = ledger_open(&c->ledger, fd, h->ledger_root);
		if (r)
			return refuse_ledger(c, r);
	}
	if (h->features & HMMD__FEATURE__FEATURE_UFFD_DEVICE) {
		c->uffd_device = fds[n];
		fds[n++] = -1;
	}
	gate_unmap(c->gate);
	c->gate = NULL;
	return h->features & HMMD__FEATURE__FEATURE_GATE ? gate_map(fds[n], &c->gate) : 0;
}

static int take_hello(struct hmm_client *c, struct request *req, const Hmmd__Message *m, int *fds)
{
	const Hmmd__HelloReply *h = m->hello_reply;

	if (m->kind_case != HMMD__MESSAGE__KIND_HELLO_REPLY)
		return -EPROTO;
	if (h->version < HMM_LIMIT_VERSION_MIN || h->version > HMM_LIMIT_VERSION_MAX ||
	    h->huge_page_size != LEDGER_PAGE_SIZE)
		return -EPROTONOSUPPORT;
	if (req->starved)
		return -EMFILE;
	if ((c->flags & HMM_CLIENT_CONTROL) && !(h->features & HMMD__FEATURE__FEATURE_CONTROL))
		return -EACCES;
	if (c->session.resuming && !(h->features & HMMD__FEATURE__FEATURE_RESUME)) {
		if (!lost_may(c))
			return -EBUSY;
		/* By the ledger that we have; the one that comes now knows nothing of these ranges. */
		lost_all(c, "the daemon that came back does not know this range", true);
	}
	c->session.features = h->features;
	c->session.backing = h->backing;
	c->session.client = h->client;
	return take_fds(c, h, fds);
}

/* Kept once it is read: the daemon may come back when no descriptor is free. 0 without /proc. */
static uint64_t image(struct hmm_client *c)
{
	char text[IMAGE_STAT];
	int fd = c->session.image ? -1 : open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	if (n > 0) {
		text[n] = '\0';
		image_mark(text, &c->session.image);
	}
	return c->session.image;
}

static int say_hello(struct hmm_client *c)
{
	Hmmd__Hello hello = HMMD__HELLO__INIT;
	Hmmd__Message m = WIRE_MESSAGE(HELLO, hello, &hello);

	hello.version_min = HMM_LIMIT_VERSION_MIN;
	hello.version_max = HMM_LIMIT_VERSION_MAX;
	hello.features = HMMD__FEATURE__FEATURE_ZAP | HMMD__FEATURE__FEATURE_WINDOWS;
	hello.features |= c->flags & HMM_CLIENT_NO_HELPER ? 0 : HMMD__FEATURE__FEATURE_GATE;
	hello.name = c->name;
	hello.resume_client = c->session.client;
	hello.image = image(c);
	c->session.resuming = c->session.client != 0;
	c->session.request.take = take_hello;
	return step(c, SESSION_HELLO, &m, NULL, 0);
}

/* False: it is plain already. */
static bool name_plainly(struct hmm_client *c)
{
	bool was = true;

	for (char *p = c->name; *p; p++)
		if (*p & 0x80) {
			*p = '?';
			was = false;
		}
	return !was;
}

int session_connect(struct hmm_client *c)
{
	struct epoll_event event = { .events = EPOLLIN };
	int r = link_open(&c->address, !c->session.was_up, c->own_only, &c->link);

	if (r) {
		plan_attempt(&c->session, clock_now_us());
		return r;
	}
	c->session.connection++;
	c->armed = epoll_ctl(c->epoll_fd, EPOLL_CTL_ADD, c->link->fd, &event) == 0;
	r = c->armed ? say_hello(c) : -errno;
	if (r && c->link)
		session_drop(c, r);
	return r ? c->session.error : 0;
}

static void up(struct hmm_client *c)
{
	Hmmd__Subscribe subscribe = HMMD__SUBSCRIBE__INIT;
	Hmmd__Message m = WIRE_MESSAGE(SUBSCRIBE, subscribe, &subscribe);
	bool again = c->session.was_up;

	c->session.state = SESSION_UP;
	c->session.was_up = true;
	c->session.gave_up = c->session.told_refused = false;
	c->session.backoff_us = 0;
	if (again)
		tell(c, HMM_EVENT_RECONNECTED);
	if (c->session.subscribed)
		wire_cast(c, &m);
	pthread_cond_broadcast(&c->changed);
}

static int attach(struct hmm_client *c)
{
	Hmmd__AttachUffd body = HMMD__ATTACH_UFFD__INIT;
	Hmmd__Message m = WIRE_MESSAGE(ATTACH_UFFD, attach_uffd, &body);

	c->session.request.take = NULL;
	return step(c, SESSION_ATTACH, &m, &c->uffd->fd, 1);
}

/* The next frame of ranges, or the end of the way. */
static int next_frame(struct hmm_client *c, enum session_state state)
{
	int r;

	c->session.state = state;
	c->session.deadline_us = clock_after(WIRE_ANSWER_US);
	r = state == SESSION_RESUME ? resume_send(c) : resume_register(c);
	if (r != RESUME_E_END)
		return r;
	c->session.cursor = c->ranges.first;
	if (state == SESSION_RESUME)
		return next_frame(c, SESSION_REGISTER);
	up(c);
	return 0;
}

/* The ranges, those that an earlier daemon had first. */
static int hand_over(struct hmm_client *c)
{
	c->session.cursor = c->ranges.first;
	c->session.resumed = false;
	if (c->session.resuming && (c->session.features & HMMD__FEATURE__FEATURE_RESUME))
		return c->uffd ? attach(c) : next_frame(c, SESSION_RESUME);
	return next_frame(c, SESSION_REGISTER);
}

static int after_hello(struct hmm_client *c)
{
	Hmmd__AttachDriver body = HMMD__ATTACH_DRIVER__INIT;
	Hmmd__Message m = WIRE_MESSAGE(ATTACH_DRIVER, attach_driver, &body);

	if (c->driver < 0 || !driver_wanted(c))
		return hand_over(c);
	c->session.request.take = NULL;
	return step(c, SESSION_DRIVER, &m, &c->driver, 1);
}

static int advance(struct hmm_client *c)
{
	struct session *s = &c->session;
	int r = s->request.result;

	switch (s->state) {
	case SESSION_HELLO:
		if (r == -EINVAL && name_plainly(c))	/* an older daemon takes ASCII alone */
			return say_hello(c);
		return r ? r : after_hello(c);
	case SESSION_DRIVER:
		c->driver_attached = r == 0;
		return r == -EMFILE ? r : hand_over(c);
	case SESSION_ATTACH:
		c->uffd_attached = r == 0;
		return r ? r : next_frame(c, SESSION_RESUME);
	case SESSION_RESUME:
		if (r == 0)
			return next_frame(c, SESSION_RESUME);
		/*
		 * It will not take them: the next attempt starts from nothing, unless somebody still has them, or it
		 * only had no descriptor left for them.
		 */
		if (r == -EMFILE || !lost_may(c))
			return r;
		s->client = 0;
		lost_all(c, "the daemon refused to take this range over", true);
		return r;
	case SESSION_REGISTER:
		if (r)
			resume_refused(c);
		return next_frame(c, SESSION_REGISTER);
	default:
		return 0;
	}
}

/* Why the daemon that is back does not serve this client, once for each time that it is away. */
static void tell_refused(struct hmm_client *c)
{
	struct hmm_event event = { .type = HMM_EVENT_NOTICE, .text = c->session.request.text };

	if (!c->session.was_up || c->session.told_refused || !event.text[0])
		return;
	c->session.told_refused = true;
	work_event(c, &event);
}

void session_advance(struct hmm_client *c)
{
	int r = advance(c);

	if (!r)
		return;
	tell_refused(c);
	session_drop(c, r);
}

static void close_link(struct hmm_client *c)
{
	epoll_ctl(c->epoll_fd, EPOLL_CTL_DEL, c->link->fd, NULL);
	shutdown(c->link->fd, SHUT_RDWR);
	c->link = link_unref(c->link);
	c->armed = false;
	c->uffd_attached = c->driver_attached = false;
}

void session_drop(struct hmm_client *c, int error)
{
	struct session *s = &c->session;
	uint64_t now_us = clock_now_us();

	if (!c->link)
		return;
	close_link(c);
	if (s->state == SESSION_UP) {
		if (__builtin_add_overflow(now_us, c->reconnect_timeout_us, &s->give_up_at_us))
			s->give_up_at_us = CLOCK_NEVER;
		tell(c, HMM_EVENT_DISCONNECTED);
	}
	s->state = SESSION_DOWN;
	s->error = error;
	plan_attempt(s, now_us);
	stand_in_begin(c);
	op_fail_all(c, -ENOTCONN);
	wire_fail_all(c, -ENOTCONN);
	work_wake(c);
}

static void give_up(struct hmm_client *c, uint64_t now_us)
{
	bool final = !(c->flags & HMM_CLIENT_KEEP_WAITING);

	if (final && !lost_may(c)) {
		c->session.give_up_at_us = now_us + BACKOFF_LAST_US;
		return;
	}
	c->session.gave_up = true;
	if (final)
		c->session.client = 0;
	lost_all(c, "no daemon came back in time", final);
}

void session_tick(struct hmm_client *c)
{
	struct session *s = &c->session;
	uint64_t now_us = clock_now_us();

	if (s->state == SESSION_UP || !s->was_up)
		return;
	if (s->state != SESSION_DOWN) {
		if (now_us >= s->deadline_us)
			session_drop(c, -ETIMEDOUT);
		return;
	}
	if (!s->gave_up && now_us >= s->give_up_at_us)
		give_up(c, now_us);
	if (now_us < s->attempt_at_us)
		return;
	s->error = session_connect(c);
}

uint64_t session_due(const struct hmm_client *c)
{
	const struct session *s = &c->session;

	if (s->state == SESSION_UP || !s->was_up)
		return CLOCK_NEVER;
	if (s->state != SESSION_DOWN)
		return s->deadline_us;
	return !s->gave_up && s->give_up_at_us < s->attempt_at_us ? s->give_up_at_us : s->attempt_at_us;
}

int session_settle(struct hmm_client *c)
{
	int r = 0;

	while (r == 0 && c->session.state != SESSION_UP && c->session.state != SESSION_DOWN)
		r = link_wait(c, NULL, false, c->session.deadline_us);
	link_wait_end(c);
	if (r == -ETIMEDOUT)
		session_drop(c, r);
	return c->session.state == SESSION_UP ? 0 : -ENOTCONN;
}
