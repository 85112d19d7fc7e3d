/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A daemon of a few lines for the library's tests: one thread, one client at a time, a real socket,
 * real backing files, a real userfaultfd. It answers everything with success unless a test's script
 * takes a message for itself, and it remembers what it was sent.
 */
#ifndef HMM_TESTS_CLIENT_FAKE_H
#define HMM_TESTS_CLIENT_FAKE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <hmmclient.h>
#include "proto/frame.h"
#include "proto/ledger.h"
#include "tests/support/test.h"

enum { FAKE_RANGES = 64, FAKE_KINDS = 64 };

struct fake_range {
	uint64_t id, addr, size, ino;
	int file;
};

struct fake;
/*
 * Returns true when it has dealt with the message. Called on the fake's thread, with its lock held.
 */
typedef bool fake_script(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
			 size_t n_fds);

struct fake {
	char dir[64], path[96];
	pthread_t thread;
	int wake;
	pthread_mutex_t lock;
	/* Guarded by lock: */
	int listener, conn, uffd, ledger;
	bool ending, silent;		/* silent: reads nothing */
	fake_script *script;
	void *script_data;
	uint64_t features, client, next_id, next_op;
	uint32_t backing, version;
	uint8_t fill;			/* byte that faults are answered with */
	unsigned int faults;
	bool one_node;
	unsigned int count[FAKE_KINDS];	/* messages by kind */
	struct fake_range ranges[FAKE_RANGES];
	size_t n_ranges;
	uint64_t resume_client;		/* of the last Hello */
	char name[64];
	uint64_t resumed_managed, resumed_adopted, resumed_inodes;
	bool resumed_last;
	uint64_t last_zap;		/* of the last ZapDone */
	struct arena arena;
	uint8_t in[HMM_LIMIT_FRAME], out[HMM_LIMIT_FRAME], decode[HMM_LIMIT_DECODE];
};

struct fake *fake_start(void);
void fake_stop(struct fake *f);
/* Cuts the connection; new ones are taken. */
void fake_cut(struct fake *f);
/* Cuts it and takes no new ones, as after a crash, until fake_listen(). */
void fake_die(struct fake *f);
void fake_listen(struct fake *f);
void fake_set_script(struct fake *f, fake_script *script, void *data);
unsigned int fake_count(struct fake *f, Hmmd__Message__KindCase kind);
/*
 * A ledger of one root, one middle and one leaf table; returns the leaf words of the GiB that holds
 * addr.
 */
uint64_t *fake_ledger(struct fake *f, uint64_t addr);

/* With the lock held, from a script. */
void fake_reply(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds, size_t n_fds);
void fake_ok(struct fake *f, uint64_t id);
void fake_error(struct fake *f, uint64_t id, int code, const char *text);
/* From a test: takes the lock. */
void fake_event(struct fake *f, const Hmmd__Message *m);
void fake_bytes(struct fake *f, const void *bytes, size_t size, const int *fds, size_t n_fds);

#define FAKE_MESSAGE(KIND_, member_, body_) \
	((Hmmd__Message){ PROTOBUF_C_MESSAGE_INIT(&hmmd__message__descriptor), \
			  .kind_case = HMMD__MESSAGE__KIND_##KIND_, .member_ = (body_) })

/* Reads a field of the fake under its lock. */
#define FAKE_GET(f_, field_) ({				\
	pthread_mutex_lock(&(f_)->lock);		\
	__typeof__((f_)->field_) got_ = (f_)->field_;	\
	pthread_mutex_unlock(&(f_)->lock);		\
	got_;						\
})
#define FAKE_SET(f_, field_, value_) do {		\
	pthread_mutex_lock(&(f_)->lock);		\
	(f_)->field_ = (value_);			\
	pthread_mutex_unlock(&(f_)->lock);		\
} while (0)

/* Descriptors of this process. */
size_t count_fds(void);
/* Threads of this process. */
size_t count_threads(void);

/* A client of the fake with these flags; the test fails when there is none. */
/* Private anonymous memory of the program at that place, which may be there already. */
void *memory_at(uintptr_t addr, size_t size);
struct hmm_client *fake_client(struct fake *f, uint32_t flags);

enum { SEEN_TYPES = HMM_EVENT_RELIEF + 1 };

/* What an event handler saw. */
struct seen {
	pthread_mutex_t lock;
	unsigned int count[SEEN_TYPES];
	struct seen_event {
		uint64_t offset, length, value;
		struct hmm_range *range;
		char tier[32], text[128];
		pthread_t thread;
	} last[SEEN_TYPES];		/* of each type, stable until the next one */
};
#define SEEN_INIT { .lock = PTHREAD_MUTEX_INITIALIZER }
hmm_event_fn see;
unsigned int seen_count(struct seen *s, enum hmm_event_type type);
#define SEEN(s_, TYPE_) (&(s_).last[HMM_EVENT_##TYPE_])

/*
 * A test gets a fake and leaves no descriptor behind: *state is the fake, which the test may have
 * stopped (and set to NULL) itself.
 */
int fake_set_up(void **state);
int fake_tear_down(void **state);
#define FAKE_TEST(f) cmocka_unit_test_setup_teardown(f, fake_set_up, fake_tear_down)

/* Managed memory needs userfaultfd(2); without it such a test is left out, and says so. */
void need_userfaultfd(void);

#endif
