/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers to requests, in as few words as the requests need. */
#ifndef HMMD_IO_REPLY_H
#define HMMD_IO_REPLY_H

#include "daemon/io/session.h"

void reply_ok(struct session *s, uint64_t id);
void reply_op_started(struct session *s, uint64_t id, uint64_t op);
/* A negative errno of ours, or a positive SPACE_E_*. `what` says what was tried. */
void reply_result(struct session *s, uint64_t id, int result, const char *what);
/* Any kind without descriptors. */
void reply_message(struct session *s, uint64_t id, Hmmd__Message__KindCase kind, void *body);

#endif
