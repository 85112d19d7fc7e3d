// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Frames out and in. Everything that comes from the daemon is cut, decoded into a capped arena and
 * validated before it is looked at; whatever breaks the protocol ends the connection.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "libclient/client.h"
#include "proto/fd.h"
#include "proto/frame.h"
#include "proto/validate.h"

static int send_frame(struct hmm_client *c, uint64_t id, const Hmmd__Message *m, const int *fds,
		      size_t n_fds)
{
	size_t size;
	int r;

	if (!c->link)
		return -ENOTCONN;
	if (frame_pack(id, m, c->out, HMM_LIMIT_FRAME, &size))
		return -EMSGSIZE;
	r = fd_send(c->link->fd, c->out, size, fds, n_fds, MSG_DONTWAIT);
	if (r == FD_E_CLOSED) {
		if (c->session.state == SESSION_HELLO)
			wire_receive(c, NULL);	/* why, if it was turned away */
		session_drop(c, -ENOTCONN);
		return -ENOTCONN;
	}
	return r;
}

static void list_request(struct hmm_client *c, struct request *req)
{
	req->id = c->next_id++;
	req->done = req->starved = false;
	req->result = 0;
	req->text[0] = '\0';
	req->next = c->requests;
	c->requests = req;
}

/* The request of that id out of the list, or NULL. */
static struct request *take_request(struct hmm_client *c, uint64_t id)
{
	for (struct request **p = &c->requests; *p; p = &(*p)->next) {
		struct request *req = *p;

		if (req->id == id) {
			*p = req->next;
			return req;
		}
	}
	return NULL;
}

int wire_post(struct hmm_client *c, struct request *req, const Hmmd__Message *m, const int *fds,
	      size_t n_fds)
{
	int r;

	list_request(c, req);
	r = send_frame(c, req->id, m, fds, n_fds);
	if (r)
		take_request(c, req->id);
	return r;
}

int wire_event(struct hmm_client *c, const Hmmd__Message *m)
{
	return send_frame(c, 0, m, NULL, 0);
}

int wire_cast(struct hmm_client *c, const Hmmd__Message *m)
{
	return send_frame(c, c->next_id++, m, NULL, 0);
}

/* The daemon would refuse it too; asking costs less here. */
static int check_request(struct hmm_client *c, const Hmmd__Message *m, size_t n_fds)
{
	struct invalid why;

	if (message_validate(m, FROM_CLIENT, n_fds, &why) == 0)
		return 0;
	client_refused(c, why.text);
	return -why.code;
}

int wire_call(struct hmm_client *c, struct request *req, const Hmmd__Message *m, const int *fds,
	      size_t n_fds, uint64_t deadline_us)
{
	int r = check_request(c, m, n_fds);

	if (!r)
		r = session_settle(c);
	if (r)
		return r;
	list_request(c, req);
	while ((r = send_frame(c, req->id, m, fds, n_fds)) == -EAGAIN && !req->done) {
		r = link_wait(c, req, true, deadline_us);
		if (r || req->done)
			break;
	}
	while (r == 0 && !req->done)
		r = link_wait(c, req, false, deadline_us);
	take_request(c, req->id);
	link_wait_end(c);
	if (req->done) {
		r = req->result;
		if (req->text[0] && !req->quiet)
			client_refused(c, req->text);
	} else if (r == -ETIMEDOUT) {
		/*
		 * What it may still do is unknown: a new connection makes both sides agree again.
		 */
		session_drop(c, -ETIMEDOUT);
	}
	return r;
}

void wire_fail_all(struct hmm_client *c, int result)
{
	struct request *req;

	while ((req = c->requests)) {
		c->requests = req->next;
		req->result = result;
		req->done = true;
	}
	pthread_cond_broadcast(&c->changed);
}

static void refuse(struct request *req, const Hmmd__Error *error)
{
	req->result = -(int)error->code;
	strncpy(req->text, error->text, HMM_LIMIT_TEXT);
	req->text[HMM_LIMIT_TEXT] = '\0';
}

/* The daemon turned the connection away before it had read anything of it. */
static bool turned_away(const struct hmm_client *c, uint64_t id, const Hmmd__Message *m)
{
	return id == 0 && m->kind_case == HMMD__MESSAGE__KIND_ERROR && c->session.state == SESSION_HELLO;
}

/* 0; -EPROTO: no answer to what was asked. */
static int answer(struct hmm_client *c, uint64_t id, const Hmmd__Message *m, int *fds, bool starved)
{
	struct request *req = take_request(c, turned_away(c, id, m) ? c->session.request.id : id);

	if (!req)
		return 0;
	req->starved = starved;
	if (m->kind_case == HMMD__MESSAGE__KIND_ERROR)
		refuse(req, m->error);
	else if (req->take)
		req->result = req->take(c, req, m, fds);
	else
		req->result = m->kind_case == HMMD__MESSAGE__KIND_OK ? 0 : -EPROTO;
	if (starved && req->result == -EMFILE)
		strncpy(req->text, "this program has no place for one more descriptor (RLIMIT_NOFILE)", HMM_LIMIT_TEXT);
	req->done = true;
	pthread_cond_broadcast(&c->changed);
	if (req == &c->session.request)
		session_advance(c);
	return req->result == -EPROTO ? -EPROTO : 0;
}

static void queue_event(struct hmm_client *c, uint32_t type, uint64_t range, struct hmm_event event)
{
	event.type = type;
	event.range = range_find(&c->ranges, range);
	if (range == 0 || event.range)
		work_event(c, &event);
}

/*
 * While ranges are handed over, a whole one that is lost is one that the daemon did not take:
 * adopted memory is registered anew (the session's next step), a managed range will not be served
 * any more.
 */
static bool not_taken(const struct hmm_client *c, const struct hmm_range *r, const Hmmd__Lost *m)
{
	return c->session.state == SESSION_RESUME && m->offset == 0 &&
	       (m->length == 0 || m->length == r->size);
}

static void lost(struct hmm_client *c, const Hmmd__Lost *m)
{
	struct hmm_range *r = range_find(&c->ranges, m->range);
	struct hmm_event event = { .offset = m->offset, .length = m->length, .text = m->text };
	bool whole = r && not_taken(c, r, m);

	if (!r)
		return;
	if (whole && !r->managed) {
		range_set_id(&c->ranges, r, 0);
		return;
	}
	if (event.length == 0 && event.offset < r->size)
		event.length = r->size - event.offset;
	queue_event(c, HMM_EVENT_LOST, m->range, event);
	if (whole)
		lost_range(c, r);
}

static int event(struct hmm_client *c, const Hmmd__Message *m)
{
	switch (m->kind_case) {
	case HMMD__MESSAGE__KIND_OP_DONE:
		op_finish(c, m->op_done);
		return 0;
	case HMMD__MESSAGE__KIND_ZAP:
		work_zap(c, m->zap);
		return 0;
	case HMMD__MESSAGE__KIND_MOVED:
		queue_event(c, HMM_EVENT_MOVED, m->moved->range,
			    (struct hmm_event){ .offset = m->moved->offset,
						.length = m->moved->length,
						.tier = m->moved->tier });
		return 0;
	case HMMD__MESSAGE__KIND_LOST:
		lost(c, m->lost);
		return 0;
	case HMMD__MESSAGE__KIND_PRESSURE:
		queue_event(c, m->pressure->over ? HMM_EVENT_RELIEF : HMM_EVENT_PRESSURE, 0, (struct hmm_event){
			.value = m->pressure->percent, .tier = m->pressure->tier });
		return 0;
	case HMMD__MESSAGE__KIND_NOTICE:
		queue_event(c, HMM_EVENT_NOTICE, 0, (struct hmm_event){
			.value = m->notice->sequence, .text = m->notice->text });
		return 0;
	default:
		return -EPROTO;
	}
}

/*
 * An answer of a kind that this library does not know fails its request; such an event is skipped.
 */
static int unknown_kind(struct hmm_client *c, uint64_t id)
{
	struct request *req = take_request(c, id);

	if (!req)
		return 0;
	req->result = -ENOTSUP;
	req->done = true;
	pthread_cond_broadcast(&c->changed);
	return req == &c->session.request ? -EPROTO : 0;
}

/* starved: how many descriptors came is not known, so it counts as what there may be with it, if any. */
static int dispatch(struct hmm_client *c, size_t size, int *fds, size_t n_fds, bool starved)
{
	struct frame frame;
	struct invalid why;
	Hmmd__Message *m;
	size_t least;
	int r;

	if (frame_cut(c->in, size, &frame) || frame_unpack(&frame, &c->arena, &m))
		return -EPROTO;
	if (starved)
		message_fds(m, &least, &n_fds);
	r = starved && !n_fds ? VALIDATE_E_FDS : message_validate(m, FROM_DAEMON, n_fds, &why);
	if (r == VALIDATE_E_KIND)
		return unknown_kind(c, frame.id);
	if (r)
		return -EPROTO;
	if (frame.id == 0 && message_is_event(m->kind_case))
		return event(c, m);
	if ((frame.id == 0 && !turned_away(c, frame.id, m)) || message_is_event(m->kind_case))
		return -EPROTO;
	return answer(c, frame.id, m, fds, starved);
}

/* 0: there may be more. */
static int receive_one(struct hmm_client *c)
{
	int fds[HMM_LIMIT_FDS], r;
	size_t size, n_fds;

	r = fd_recv(c->link->fd, c->in, HMM_LIMIT_FRAME, fds, HMM_LIMIT_FDS, &size, &n_fds);
	if (r == -EAGAIN)
		return r;
	if (r == 0 || r == FD_E_NO_ROOM) {
		if (r || !n_fds)
			fds[0] = -1;
		n_fds = r ? 0 : n_fds;
		r = dispatch(c, size, fds, n_fds, r == FD_E_NO_ROOM);
		fd_close_all(fds, n_fds);
	} else if (r > 0) {
		r = r == FD_E_CLOSED ? -ENOTCONN : -EPROTO;
	}
	if (r)
		session_drop(c, r);
	return r;
}

void wire_receive(struct hmm_client *c, const struct request *until)
{
	unsigned int n = 0;

	while (c->link && n++ < HMM_LIMIT_REQUESTS_PER_TURN && !(until && until->done))
		if (receive_one(c))
			return;
}
