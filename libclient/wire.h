/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Requests and their answers. A caller's request lives on its stack and waits in a list; whichever
 * thread reads the answer hands it to take() under the client's lock, so no thread is needed for
 * reading and none waits for another longer than for its own answer.
 */
#ifndef HMM_LIBCLIENT_WIRE_H
#define HMM_LIBCLIENT_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/hmmd.pb-c.h"
#include "proto/limits.h"

struct hmm_client;
struct request;

/* How long a daemon may take to answer before it is given up as gone. */
#define WIRE_ANSWER_US 10000000ULL

/*
 * Called under the lock with an answer that is neither Error nor invalid. Descriptors that it keeps
 * it sets to -1; fds[0] is -1 when none came. 0; -errno is the request's result; -EPROTO: no answer
 * to this request, the link is dropped. With `starved` set only the bytes are of use; what needs
 * descriptors returns -EMFILE.
 */
typedef int take_fn(struct hmm_client *c, struct request *req, const Hmmd__Message *answer,
		    int *fds);

struct request {
	struct request *next;
	uint64_t id;
	take_fn *take;		/* NULL: only Ok will do */
	void *into;		/* for take */
	bool quiet;		/* a refusal is not the caller's: the call goes on */
	bool starved;		/* descriptors came with the answer, and this process could not take them */
	int result;		/* when done */
	bool done;
	char text[HMM_LIMIT_TEXT + 1];	/* of a refusal */
};

/* A Message of that kind around a body. */
#define WIRE_MESSAGE(KIND_, member_, body_) \
	((Hmmd__Message){ PROTOBUF_C_MESSAGE_INIT(&hmmd__message__descriptor), \
			  .kind_case = HMMD__MESSAGE__KIND_##KIND_, .member_ = (body_) })

/*
 * All with the lock held. wire_call() sends, waits for the answer (the lock is released meanwhile)
 * and returns its result: 0 or -errno; -ENOTCONN without a daemon; what message_validate() finds
 * wrong with the request, before it is sent. deadline_us as by clock_after().
 */
int wire_call(struct hmm_client *c, struct request *req, const Hmmd__Message *m, const int *fds,
	      size_t n_fds, uint64_t deadline_us);
/* Sends without waiting; the answer goes to req->take. -EAGAIN: the socket is full. */
int wire_post(struct hmm_client *c, struct request *req, const Hmmd__Message *m, const int *fds,
	      size_t n_fds);
/* Sends a frame that is not answered, with id 0. -EAGAIN, -ENOTCONN. */
int wire_event(struct hmm_client *c, const Hmmd__Message *m);
/* Sends a request whose answer nobody waits for. */
int wire_cast(struct hmm_client *c, const Hmmd__Message *m);
/*
 * Reads what is there, at most some frames, and stops early once `until` is done (may be NULL). A
 * daemon that breaks the protocol is cut off.
 */
void wire_receive(struct hmm_client *c, const struct request *until);
/* Ends all requests with that result. */
void wire_fail_all(struct hmm_client *c, int result);

#endif
