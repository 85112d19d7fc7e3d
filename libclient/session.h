/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a connected socket to a daemon that serves, as a state machine, because a reconnect runs
 * inside hmm_client_process(), which must not block. Every step sends one request whose answer
 * leads to the next. All functions with the client's lock held.
 */
#ifndef HMM_LIBCLIENT_SESSION_H
#define HMM_LIBCLIENT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "libclient/wire.h"

struct hmm_client;
struct hmm_range;

enum session_state {
	SESSION_DOWN,		/* no daemon */
	SESSION_HELLO,		/* Hello sent */
	SESSION_DRIVER,		/* AttachDriver sent, the ranges follow */
	SESSION_ATTACH,		/* AttachUffd sent, Resume follows */
	SESSION_RESUME,		/* a Resume frame sent */
	SESSION_REGISTER,	/* adopted ranges that the daemon does not know are registered */
	SESSION_UP
};

struct session {
	enum session_state state;
	struct request request;		/* the step under way */
	uint64_t deadline_us;		/* of the step */
	uint64_t give_up_at_us, attempt_at_us, backoff_us;
	/* counts connections, so that an old id is not used on a new one */
	uint64_t connection;
	/* id from HelloReply; what Hello.resume_client will be; 0: none */
	uint64_t client;
	uint64_t image;			/* mark of the address space (proto/image.h), 0: not read yet */
	uint64_t features;		/* of the daemon */
	uint32_t backing;
	int error;			/* why the last attempt failed */
	bool resuming;			/* Hello named an earlier client */
	bool was_up;			/* the program was told of a daemon */
	bool gave_up;			/* no daemon came back in time, and the program was told */
	bool told_refused;		/* why a daemon that came back does not take it */
	bool subscribed;
	struct hmm_range *cursor;	/* next range to resume or register */
	struct hmm_range *batch;	/* first range of the frame under way */
	uint32_t batch_count;
	bool resumed;			/* the last Resume frame is out */
};

/* Connects, waiting only the first time, and sends Hello. 0 or -errno. */
int session_connect(struct hmm_client *c);
/* The answer of session.request has come: the next step. */
void session_advance(struct hmm_client *c);
/*
 * The link is gone or must go: all waiting ends with -ENOTCONN, looking for a daemon begins. error:
 * -errno.
 */
void session_drop(struct hmm_client *c, int error);
/* What time alone does: attempts, deadlines, giving up. */
void session_tick(struct hmm_client *c);
/* When session_tick() has something to do; CLOCK_NEVER. */
uint64_t session_due(const struct hmm_client *c);
/* Waits while a connection is being made. 0: a daemon serves; -ENOTCONN. */
int session_settle(struct hmm_client *c);

/*
 * resume.c: the next frame of the range list from session.cursor on, sent. 0, RESUME_E_END when all
 * have been sent, -errno.
 */
enum { RESUME_E_END = 1 };
int resume_send(struct hmm_client *c);
int resume_register(struct hmm_client *c);
/* The last resume_register() was answered with an error: the program is told. */
void resume_refused(struct hmm_client *c);

#endif
