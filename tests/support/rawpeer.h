/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A peer that speaks the protocol by hand, so that it can say what the library never would: broken
 * frames, wrong descriptors, ranges of others, silence.
 */
#ifndef HMMD_TESTS_SUPPORT_RAWPEER_H
#define HMMD_TESTS_SUPPORT_RAWPEER_H

#include <stddef.h>
#include <stdint.h>

#include "proto/frame.h"

struct rawpeer {
	int sock;
	uint64_t id;			/* of the last request */
	uint64_t got_id;		/* of the last frame received */
	int fds[HMM_LIMIT_FDS];		/* that came with it; the peer closes them at the next receive */
	size_t n_fds;
	struct arena arena;
	uint8_t out[HMM_LIMIT_FRAME], in[HMM_LIMIT_FRAME], decode[HMM_LIMIT_DECODE];
	uint64_t features;		/* for rawpeer_hello(), beside FEATURE_LEDGER */
	uint64_t image;			/* the same: of who opened it */
	/* after rawpeer_hello() */
	uint64_t client;
	int ledger, uffd_device, gate, uffd;	/* -1: none */
	char text[HMM_LIMIT_TEXT + 1];	/* of the last refusal */
};

/* One range mapped by hand, with its file in reach. */
struct rawrange {
	uint64_t id, size;
	int file;
	void *addr;
};

struct rawpeer *rawpeer_open(const char *socket);
void rawpeer_close(struct rawpeer *p);
/* Packs and sends with the next id; 0 or -errno. */
int rawpeer_send(struct rawpeer *p, const Hmmd__Message *m, const int *fds, size_t n_fds);
int rawpeer_send_bytes(struct rawpeer *p, const void *bytes, size_t size, const int *fds, size_t n_fds);
/* The next frame, or NULL: the daemon hung up, or nothing came for that long. Valid until the next one. */
Hmmd__Message *rawpeer_receive(struct rawpeer *p, int timeout_ms);
/* The answer to a request; events before it are skipped. NULL: the daemon hung up. */
Hmmd__Message *rawpeer_call(struct rawpeer *p, const Hmmd__Message *m, const int *fds, size_t n_fds);
/* Its errno, 0 when it was granted, -1 when the daemon hung up. */
int rawpeer_refusal(struct rawpeer *p, const Hmmd__Message *m, const int *fds, size_t n_fds);
/* The daemon has closed the connection, what was queued before is skipped. */
int rawpeer_hung_up(struct rawpeer *p);

void rawpeer_hello(struct rawpeer *p);
void rawpeer_attach(struct rawpeer *p);		/* makes a userfaultfd and sends it */
void rawpeer_alloc(struct rawpeer *p, uint64_t pages, struct rawrange *ret);	/* not yet mapped */
void rawpeer_map(struct rawpeer *p, struct rawrange *r);
/* Tells the daemon, then unmaps and closes. Without that the memory of a peer whose process lives waits for it. */
void rawpeer_free(struct rawpeer *p, struct rawrange *r);
/* Unmaps and closes here; the daemon is not told. */
void rawrange_drop(struct rawrange *r);
int rawpeer_ping(struct rawpeer *p);		/* 0: answered */

/* Declares a Message `m` of one kind, with `field` pointing at `body`. */
#define RAW_MESSAGE(m, KIND, field, body)		\
	Hmmd__Message m = HMMD__MESSAGE__INIT;		\
	m.kind_case = HMMD__MESSAGE__KIND_##KIND;	\
	m.field = body

#endif
