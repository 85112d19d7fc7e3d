/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a decoded message must satisfy before anybody looks at it: the same code on both sides of
 * the socket. It knows the limits, ranges, alignments and shapes that a message has by itself;
 * whether a range or a tier exists is for the receiver to say. Unknown fields are tolerated (a
 * newer peer), an unknown kind is VALIDATE_E_KIND, to be answered ENOTSUP and otherwise ignored.
 */
#ifndef HMM_PROTO_VALIDATE_H
#define HMM_PROTO_VALIDATE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/hmmd.pb-c.h"
#include "proto/limits.h"

enum direction { FROM_CLIENT, FROM_DAEMON };

enum {
	VALIDATE_E_KIND = 1,		/* no kind that this side knows */
	VALIDATE_E_DIRECTION = 2,	/* this side never sends that kind */
	VALIDATE_E_FDS = 3,		/* too few or too many descriptors beside it */
	VALIDATE_E_FIELD = 4		/* a field is out of its limits */
};

struct invalid {
	int code;		/* errno for the answer, positive */
	const char *text;	/* static; names the field and the rule */
};

/*
 * Checks a message that came with n_fds descriptors. 0 or VALIDATE_E_*; ret_why is set only then.
 * The frame's id is checked by message_id_valid().
 */
int message_validate(const Hmmd__Message *m, enum direction from, size_t n_fds,
		     struct invalid *ret_why);
/* How many descriptors go with this message, exactly as far as its contents say. */
void message_fds(const Hmmd__Message *m, size_t *ret_min, size_t *ret_max);
/*
 * Whether a message of that kind is an event (frame id 0: Zap, ZapDone, Moved, Lost, Pressure,
 * Notice, OpDone) or part of a request and its answer (frame id not 0).
 */
int message_is_event(Hmmd__Message__KindCase kind);
/* The kind's name as in hmmd.proto, "nothing" for none; for logs and error texts. */
const char *message_name(Hmmd__Message__KindCase kind);

#endif
