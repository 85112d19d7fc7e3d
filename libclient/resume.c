// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Handing the ranges over to a daemon that came back, frame by frame: to one that has the ledger
 * all of them with Resume; the adopted ones that it does not know then are registered anew. The
 * range list cannot change meanwhile, because every call that changes it waits for the session to
 * settle.
 */
#include <errno.h>

#include "libclient/client.h"

/* ranges in a frame: with the longest options half of HMM_LIMIT_FRAME */
enum { RESUME_BATCH = 128 };

struct resume_frame {
	Hmmd__ResumeRange entry[RESUME_BATCH];
	Hmmd__RangeOptions options[RESUME_BATCH];
	Hmmd__ResumeRange *entries[RESUME_BATCH];
	int fds[HMM_LIMIT_FDS];
	size_t n, n_fds;
	const struct file *file;	/* the last of them */
};

/* Of ranges that are windows of one file it goes along once. */
static bool brings_file(const struct resume_frame *f, const struct hmm_range *r)
{
	return r->managed && r->file != f->file;
}

static void add_entry(struct resume_frame *f, const struct hmm_range *r)
{
	Hmmd__ResumeRange *e = &f->entry[f->n];

	hmmd__resume_range__init(e);
	range_settings_pack(r->settings, &f->options[f->n]);
	e->range = r->id;
	e->addr = (uintptr_t)r->addr;
	e->size = r->size;
	e->managed = r->managed;
	e->options = &f->options[f->n];
	f->entries[f->n++] = e;
	e->same_file = r->managed && !brings_file(f, r);
	if (brings_file(f, r)) {
		f->fds[f->n_fds++] = r->fd;
		f->file = r->file;
	}
}

/* Fills a frame; returns where the next one starts. */
static struct hmm_range *fill(struct resume_frame *f, struct hmm_range *r)
{
	for (; r && f->n < RESUME_BATCH; r = r->next) {
		if (r->id == 0)
			continue;
		if (brings_file(f, r) && f->n_fds == HMM_LIMIT_FDS)
			break;
		add_entry(f, r);
	}
	return r;
}

int resume_send(struct hmm_client *c)
{
	struct resume_frame f = { .n = 0 };
	Hmmd__Resume resume = HMMD__RESUME__INIT;
	Hmmd__Message m = WIRE_MESSAGE(RESUME, resume, &resume);

	if (c->session.resumed)
		return RESUME_E_END;
	c->session.cursor = fill(&f, c->session.cursor);
	resume.range = f.entries;
	resume.n_range = f.n;
	resume.last = c->session.cursor == NULL;
	c->session.resumed = resume.last;
	c->session.request.take = NULL;
	return wire_post(c, &c->session.request, &m, f.fds, f.n_fds);
}

/* Adopted memory that the daemon does not know. */
static struct hmm_range *next_unknown(struct hmm_range *r)
{
	while (r && (r->managed || r->id))
		r = r->next;
	return r;
}

/* The batch that was sent has its ids now. */
static int take_batch(struct hmm_client *c, struct request *req, const Hmmd__Message *m, int *fds)
{
	const Hmmd__RegisterReply *reply = m->register_reply;
	struct hmm_range *r = c->session.batch;

	(void)req;
	(void)fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_REGISTER_REPLY ||
	    reply->count != c->session.batch_count)
		return -EPROTO;
	for (uint32_t i = 0; i < reply->count; i++, r = next_unknown(r->next))
		range_set_id(&c->ranges, r, reply->first_range + i);
	return 0;
}

void resume_refused(struct hmm_client *c)
{
	struct hmm_range *r = c->session.batch;

	for (uint32_t i = 0; i < c->session.batch_count; i++, r = next_unknown(r->next)) {
		struct hmm_event event = { .type = HMM_EVENT_LOST, .range = r, .length = r->size,
					   .text = c->session.request.text };

		work_event(c, &event);
	}
}

int resume_register(struct hmm_client *c)
{
	uint64_t addr[RESUME_BATCH], size[RESUME_BATCH];
	Hmmd__Register body = HMMD__REGISTER__INIT;
	Hmmd__Message m = WIRE_MESSAGE(REGISTER, register_, &body);
	Hmmd__RangeOptions options;
	struct hmm_range *first = next_unknown(c->session.cursor), *r = first;
	uint32_t n = 0;

	if (!first)
		return RESUME_E_END;
	for (; r && n < RESUME_BATCH && range_settings_equal(r->settings, first->settings); n++) {
		addr[n] = (uintptr_t)r->addr;
		size[n] = r->size;
		r = next_unknown(r->next);
	}
	range_settings_pack(first->settings, &options);
	body.addr = addr;
	body.size = size;
	body.n_addr = body.n_size = n;
	body.options = &options;
	c->session.batch = first;
	c->session.batch_count = n;
	c->session.cursor = r;
	c->session.request.take = take_batch;
	return wire_post(c, &c->session.request, &m, NULL, 0);
}
