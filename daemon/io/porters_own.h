/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The inside of porters*.c. */
#ifndef HMMD_IO_PORTERS_OWN_H
#define HMMD_IO_PORTERS_OWN_H

#include <stdbool.h>
#include <uv.h>
#include "daemon/io/mailbox.h"
#include "daemon/io/porters.h"
#include "proto/limits.h"

/* SERVING: the one of its user. LEAVING: it has still to answer. ENDED: killed, the lodge has not seen it gone. */
enum porter_state { PORTER_SERVING, PORTER_LEAVING, PORTER_ENDED };

struct porter {
	struct list_node in_all;
	struct porters *all;
	struct porter_user *user;	/* NULL: of no further interest to it */
	uint64_t id;
	enum porter_state state;
	struct mailbox box;
	uv_poll_t poll;
	bool closed, gone;		/* by libuv; its process */
	unsigned int taking;		/* packets that it was asked for */
	unsigned int holds;		/* descriptors that it has got from clients */
	uint64_t begun_us, holds_since_us, asked_us;
};

struct porter_user {
	struct list_node in_all;
	uid_t uid;
	struct list_node sessions;
	struct porter *now;		/* NULL: none could be had */
	unsigned int leaving;		/* of its porters, not yet gone */
	bool stays_told;		/* that `now` cannot be replaced, and it has not been since */
};

struct porters {
	struct daemon *daemon;
	struct mailbox lodge;
	uv_poll_t lodge_poll;
	uv_timer_t tick;		/* runs while something is to be followed */
	struct list_node porters, users;
	uint64_t next_id;
	unsigned int leaving;		/* of all users */
	bool stopped;
	struct {
		struct porter_note head;
		uint8_t packet[HMM_LIMIT_FRAME];
	} note;
};

/* porters.c: -errno. */
int porter_spawn(struct porters *ps, struct porter_user *u);
void porter_leave(struct porter *p);
void porter_poll_closed(uv_handle_t *handle);
/* porters_follow.c: what is due of replacing, ending and repeating; again later while anything is. */
void porters_follow(struct porters *ps);
/* porters_note.c */
void porter_ready(uv_poll_t *handle, int status, int events);
void lodge_ready(uv_poll_t *handle, int status, int events);
void porter_forget(struct porter *p);	/* frees it when libuv and the lodge have let it go */
void porter_fail_all(struct porter *p);	/* those whose packets it has not brought */
void porter_user_settle(struct porter_user *u);	/* frees it when nothing refers to it */

#endif
