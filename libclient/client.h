/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The client object. One lock guards all of it but the first block; it is never held while the
 * program's handler runs, while a thread sleeps, or over anything that depends on the daemon.
 */
#ifndef HMM_LIBCLIENT_CLIENT_H
#define HMM_LIBCLIENT_CLIENT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/un.h>

#include "libclient/public.h"
#include "libclient/ledger.h"
#include "libclient/link.h"
#include "libclient/op.h"
#include "libclient/range.h"
#include "libclient/session.h"
#include "libclient/wire.h"
#include "libclient/work.h"
#include "proto/arena.h"

enum { CLIENT_REFUSALS = 8 };	/* threads whose last refusal is remembered */

struct refusal {
	pid_t thread;		/* 0: free */
	uint64_t stamp;		/* the oldest is replaced */
	char text[HMM_LIMIT_TEXT + 1];
};

struct hmm_client {
	/* Constant after hmm_client_new(), or atomic. */
	atomic_uint users;
	pid_t pid;		/* of the process that made it: a fork has no daemon */
	uint32_t flags;
	struct sockaddr_un address;
	bool looked_around;	/* nobody said where, and the machine has no daemon */
	bool own_only;		/* the path is of this user's: no other's daemon is taken there */
	uint64_t reconnect_timeout_us;
	_Atomic(void *) userdata;
	/* what hmm_client_get_fd() gives: the socket, when armed, and wake_fd */
	int epoll_fd;
	int wake_fd;
	pthread_t helper;
	bool has_helper;

	pthread_mutex_t lock;
	pthread_cond_t changed;	/* an answer, an operation, a state; the reader left */
	/* Guarded by lock: */
	struct link *link;	/* NULL: none */
	bool armed;		/* the socket is in the epoll set with POLLIN */
	bool reading;		/* a thread sleeps on the socket */
	unsigned int waiting;	/* threads asleep on `changed` */
	unsigned int processing; /* references that hmm_client_process() itself holds */
	bool ending;
	bool ended_by_helper;	/* the last unref came from its own handler */
	char name[HMM_LIMIT_NAME + 1];
	struct session session;
	struct request *requests;
	uint64_t next_id;
	struct hmm_op *ops;
	struct work_queue work;
	struct range_table ranges;
	struct ledger ledger;
	struct file *file;	/* the one that ranges are windows of, NULL: none lies in it */
	int uffd_device;	/* /dev/userfaultfd, -1: none */
	struct uffd *uffd;	/* NULL until the first managed range */
	struct gate *gate;	/* shut while pages are let go, NULL: hmmd has none; mapped */
	uint64_t stand_in_us;	/* when messages are read in the daemon's stead, CLOCK_NEVER */
	uint64_t stand_in_pause_us;
	bool uffd_attached;	/* this daemon has it */
	bool uffd_attaching;
	int driver;		/* the kernel driver's node, -1: not opened */
	bool driver_attached;	/* this daemon has it */
	struct refusal refusals[CLIENT_REFUSALS];
	uint64_t refusal_stamp;
	struct arena arena;
	uint8_t *in, *out, *decode;	/* buffers of HMM_LIMIT_FRAME, _FRAME, _DECODE */
};

/*
 * How a call that may be refused begins: checks, locks, and forgets what the thread was told before. -EINVAL for
 * NULL, -ECHILD in another process than the one that made it.
 */
int client_enter(struct hmm_client *c);
void client_leave(struct hmm_client *c);
/* The same without forgetting, for what only reads or gives up. */
int client_lock(struct hmm_client *c);
/* The checks alone. */
int client_check(const struct hmm_client *c);
/* Remembers the text for the calling thread. With the lock. */
void client_refused(struct hmm_client *c, const char *text);
void client_forget_refusal(struct hmm_client *c);
/* Remembers and leaves; returns the error. */
int client_refuse(struct hmm_client *c, int error, const char *text);
/*
 * Whether the program has given its last reference up, and must not be called any more. With the
 * lock.
 */
bool client_abandoned(struct hmm_client *c);
/* process() with the lock held. */
int client_process(struct hmm_client *c);
/* Until when process() may be left alone; CLOCK_NEVER. With the lock. */
uint64_t client_due(const struct hmm_client *c);
/* Frees everything; nobody else knows the client any more. */
void client_destroy(struct hmm_client *c);

/*
 * lost.c: tells the program that no daemon serves its managed ranges. final: none ever will, so
 * their memory is put in order: lost pages raise SIGBUS (unless HMM_CLIENT_KEEP_WAITING), the rest
 * is plain.
 */
void lost_all(struct hmm_client *c, const char *text, bool final);
/* Whether that may be final: false while a daemon lives that may be in the middle of moving a page of theirs. */
bool lost_may(const struct hmm_client *c);
void lost_range(struct hmm_client *c, struct hmm_range *r);

/*
 * stand_in.c, with the lock: what nobody reads is read now and then, so that munmap(2) of memory does
 * not wait for a daemon. From when the daemon is gone, and for ranges that are lost.
 */
void stand_in_begin(struct hmm_client *c);
void stand_in_tick(struct hmm_client *c);

/*
 * adoptable.c, with the lock: whether all of the memory of these ranges is there, private and anonymous. -EFAULT,
 * -EOPNOTSUPP, -EACCES (told), -ENOMEM.
 */
int adoptable_check(struct hmm_client *c, size_t n, struct hmm_range *const *ranges);

/* free.c, with the lock: at most HMM_LIMIT_BATCH adopted ranges; ids is room for as many. */
void free_adopted(struct hmm_client *c, struct hmm_range **ranges, size_t n, uint64_t *ids);
/* All ranges, at the end. own: this process made them, so their memory goes too. */
void free_all_ranges(struct hmm_client *c, bool own);

/* configure.c */
int client_configure(struct hmm_client *c, const struct hmm_client_options *opts);

/*
 * helper.c: without the lock. The last one frees the client, at once or when the helper's handler
 * returns.
 */
int helper_start(struct hmm_client *c);
void helper_stop(struct hmm_client *c);

/* struct.c: structs of the program that start with their size. */
/*
 * Copies what both sides know. -EINVAL: no size, or a tail that this library does not know is in
 * use.
 */
int struct_read(void *dst, size_t dst_size, const void *src);
/* Fills a struct of the program as far as it has room; its size stays. */
int struct_write(void *dst, const void *src, size_t src_size);

#endif
