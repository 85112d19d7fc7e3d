// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operations: started by a request, ended by an event or by the daemon going away. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "libclient/client.h"
#include "libclient/clock.h"

static void release(struct hmm_op *op)
{
	if (--op->users == 0)
		free(op);
}

/* Into `into` goes the operation; it stays unlisted when the daemon was done at once. */
static int take_started(struct hmm_client *c, struct request *req, const Hmmd__Message *m, int *fds)
{
	struct hmm_op *op = req->into;

	(void)fds;
	if (m->kind_case == HMMD__MESSAGE__KIND_OK) {
		if (op)
			op->done = true;
		return 0;
	}
	if (m->kind_case != HMMD__MESSAGE__KIND_OP_STARTED)
		return -EPROTO;
	if (!op)
		return 0;
	op->id = m->op_started->op;
	op->listed = true;
	op->users++;
	op->next = c->ops;
	c->ops = op;
	return 0;
}

static int op_new(struct hmm_client *c, struct hmm_op **ret)
{
	struct hmm_op *op = calloc(1, sizeof(*op));

	if (!op)
		return -ENOMEM;
	op->client = c;
	op->users = 1;
	*ret = op;
	return 0;
}

int op_start(struct hmm_client *c, const Hmmd__Message *m, bool always, struct hmm_op **ret_op)
{
	struct request req = { .take = take_started };
	struct hmm_op *op = NULL;
	int r;

	if (ret_op) {
		r = op_new(c, &op);
		if (r)
			return r;
	}
	req.into = op;
	r = wire_call(c, &req, m, NULL, 0, clock_after(WIRE_ANSWER_US));
	if (!ret_op)
		return r;
	if (r || (!always && !op->id)) {
		release(op);
		op = NULL;
	}
	if (r)
		return r;
	if (op)
		hmm_client_ref(c);
	*ret_op = op;
	return 0;
}

static struct hmm_op *unlist(struct hmm_client *c, uint64_t id)
{
	for (struct hmm_op **p = &c->ops; *p; p = &(*p)->next) {
		struct hmm_op *op = *p;

		if (op->id == id) {
			*p = op->next;
			op->listed = false;
			return op;
		}
	}
	return NULL;
}

void op_finish(struct hmm_client *c, const Hmmd__OpDone *done)
{
	struct hmm_op *op = unlist(c, done->op);

	if (!op)
		return;
	op->result = (struct hmm_move_result){ sizeof(op->result), done->asked, done->moved,
					       done->already_there, done->busy, done->failed, done->no_room,
					       done->moved_on, done->untouched };
	op->done = true;
	release(op);
	pthread_cond_broadcast(&c->changed);
}

void op_fail_all(struct hmm_client *c, int error)
{
	struct hmm_op *op;

	while ((op = c->ops)) {
		c->ops = op->next;
		op->listed = false;
		op->done = true;
		op->error = error;
		release(op);
	}
	pthread_cond_broadcast(&c->changed);
}

/* With the lock held. 0, HMM_OP_PENDING, -errno. */
static int wait_for(struct hmm_client *c, struct hmm_op *op, uint64_t deadline_us)
{
	int r = 0;

	if (!op->done && c->link && !c->reading)
		wire_receive(c, NULL);
	while (!op->done && !r)
		r = link_wait(c, NULL, false, deadline_us);
	link_wait_end(c);
	if (op->done)
		return op->error;
	return r == -ETIMEDOUT ? HMM_OP_PENDING : r;
}

/* A pin is whole or none. */
static int undone(struct hmm_client *c, const struct hmm_move_result *done)
{
	if (done->no_room)
		client_refused(c, "not all of it could be brought in: there is no room in memory");
	else if (done->failed)
		client_refused(c, "not all of it could be brought in: reading or writing failed");
	else if (done->busy)
		client_refused(c, "not all of it could be brought in: some pages are busy");
	return done->no_room ? -ENOSPC : done->failed ? -EIO : done->busy ? -EBUSY : 0;
}

int op_run(struct hmm_client *c, const Hmmd__Message *m)
{
	struct hmm_op *op;
	int r = op_start(c, m, true, &op);

	if (r)
		return r;
	r = wait_for(c, op, CLOCK_NEVER);
	if (!r)
		r = undone(c, &op->result);
	release(op);
	/* The caller has a range of this client, so this reference is not the last. */
	hmm_client_unref(c);
	return r;
}

int hmm_op_wait(struct hmm_op *op, uint64_t timeout_us)
{
	int r = op ? client_enter(op->client) : -EINVAL;

	if (r)
		return r;
	r = wait_for(op->client, op, clock_after(timeout_us));
	client_leave(op->client);
	return r;
}

int hmm_op_result(const struct hmm_op *op, struct hmm_move_result *ret)
{
	int r = op && ret ? client_enter(op->client) : -EINVAL;

	if (r)
		return r;
	r = op->done ? op->error : HMM_OP_PENDING;
	if (struct_write(ret, &op->result, sizeof(op->result)) < 0)
		return client_refuse(op->client, -EINVAL, "the size of the result is not set");
	client_leave(op->client);
	return r;
}

struct hmm_op *hmm_op_unref(struct hmm_op *op)
{
	struct hmm_client *c = op ? op->client : NULL;

	if (client_lock(c))
		return NULL;
	release(op);
	client_leave(c);
	hmm_client_unref(c);
	return NULL;
}
