/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One request of a client, and the functions that answer each kind. */
#ifndef HMMD_IO_REQUEST_H
#define HMMD_IO_REQUEST_H

#include "daemon/core/pins.h"
#include "daemon/core/plan.h"
#include "daemon/core/world.h"
#include "daemon/io/session.h"

struct range;

struct request {
	struct daemon *daemon;
	struct session *session;
	uint64_t id;
	const Hmmd__Message *message;	/* valid; lives until the next frame is read */
	int *fds;			/* who takes one over sets it to -1 */
	size_t n_fds;
	int unpinned;			/* hmmctl unpin: the result so far, as of pin_drop() */
};
typedef void request_fn(struct request *q);

request_fn request_hello, request_attach_uffd, request_attach_driver, request_alloc, request_map_range, request_register, request_free,
	request_resume, request_advise, request_migrate, request_pin, request_unpin, request_exclusive,
	request_tiers, request_query, request_control, request_drain, request_subscribe, request_ping, request_zap_done;

/* A piece of a range in huge pages. */
struct span {
	struct range *range;
	uint64_t vpn, pages;
};

/* request_span.c: what requests have in common. Each returns 0, or -1 after the refusal was sent. */
int request_find_range(struct request *q, uint64_t id, struct range **ret);
int request_find_span(struct request *q, uint64_t range, uint64_t offset, uint64_t length, struct span *ret);
struct tier;
int request_find_tier(struct request *q, const char *name, struct tier **ret);

/* request_op.c */
int request_op_new(struct request *q, enum move_kind kind, unsigned int tier, struct op **ret);
int request_op_add(struct request *q, struct op *op, const struct span *span);
/* Sends OpStarted and begins. */
void request_op_start(struct request *q, struct op *op);
/* Begins; Ok is sent at the end. */
void request_op_await(struct request *q, struct op *op);
/* Without a request: nobody is told. -ENOMEM, -EDQUOT. */
int op_start_silent(struct daemon *d, enum move_kind kind, unsigned int tier, const struct span *span);

/* request_pin.c: flag is PAGE_PINNED or PAGE_STAY; pages that had neither are charged. 0 or SPACE_E_* (nothing changed). */
int span_flag(const struct span *span, uint64_t flag);
void span_unflag(const struct span *span, uint64_t flag);
/* The op is about this pin, which was taken. 0, or -1: refused, the pin is taken back and the op freed. */
int request_pin_note(struct request *q, struct op *op, enum pin_owner owner, struct range *r, uint64_t addr, uint64_t end);
/* The operation of a pin is over: it is held whole, or it is none. */
void pin_ended(struct daemon *d, const struct op *op);
void reply_unpin(struct request *q, int r);	/* of pin_drop() */

/* request_resume.c. The end of resume_finish(): 0 or -errno; the session may be gone. */
void request_resumed(struct daemon *d, uint64_t session, uint64_t id, struct space *space, int r, uint64_t lost);
/* It takes its time: the program is told. pages: not at rest yet. */
void request_resume_waits(struct daemon *d, uint64_t session, uint64_t pages);

#endif
