/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For tests of what a client costs: a house whose state directory is a small file system of its own, so that it can
 * be filled, and clients of several users.
 */
#ifndef HMMD_TESTS_SUPPORT_STATE_H
#define HMMD_TESTS_SUPPORT_STATE_H

#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/support/backing.h"
#include "tests/support/rawpeer.h"

#define TiB (1ULL << 40)
enum { ANYBODY = 1234, SOMEBODY = 1235, LEDGER = 16 * 1024, KIB = 1024 };

/* A house whose state directory is a tmpfs of this size; NULL: not without privilege. */
static inline struct house *small_state(const char *size, const char *config, bool start)
{
	struct house_options o = { .config = config };
	struct house *h;

	if (geteuid()) {
		skip();
		return NULL;
	}
	h = house_prepare(&o);
	assert_int_equal(mount("state", h->state, "tmpfs", 0, size), 0);
	if (start)
		house_start(h);
	return h;
}

static inline void end(struct house *h)
{
	assert_int_equal(house_stop(h), 0);
	assert_int_equal(umount2(h->state, MNT_DETACH), 0);
	house_remove(h);
}

static inline uint64_t used(const struct house *h)
{
	struct statvfs st;

	assert_int_equal(statvfs(h->state, &st), 0);
	return (st.f_blocks - st.f_bfree) * st.f_frsize;
}

/* Connects as this user. NULL: the daemon turned it away; *ret_code says why. */
static inline struct rawpeer *connect_as(const struct house *h, uid_t uid, int *ret_code)
{
	Hmmd__Hello hello = HMMD__HELLO__INIT;
	RAW_MESSAGE(m, HELLO, hello, &hello);
	struct rawpeer *p;
	Hmmd__Message *answer;

	assert_int_equal(seteuid(uid), 0);
	p = rawpeer_open(h->socket);
	assert_int_equal(seteuid(0), 0);
	hello.version_min = hello.version_max = 1;
	hello.name = "cost";
	hello.image = p->image;
	answer = rawpeer_call(p, &m, NULL, 0);
	*ret_code = !answer ? -1 : answer->kind_case == HMMD__MESSAGE__KIND_ERROR ? (int)answer->error->code : 0;
	if (!*ret_code) {
		p->ledger = p->fds[0];
		p->fds[0] = -1;
		return p;
	}
	if (answer) {
		print_message("refused: %s\n", answer->error->text);
		assert_non_null(strstr(answer->error->text, h->state));
	}
	rawpeer_close(p);
	return NULL;
}

static inline uint64_t register_at(struct rawpeer *p, uint64_t addr, uint64_t size)
{
	Hmmd__Register g = HMMD__REGISTER__INIT;
	RAW_MESSAGE(m, REGISTER, register_, &g);
	Hmmd__Message *answer;

	g.addr = &addr;
	g.size = &size;
	g.n_addr = g.n_size = 1;
	answer = rawpeer_call(p, &m, NULL, 0);
	assert_non_null(answer);
	assert_int_equal(answer->kind_case, HMMD__MESSAGE__KIND_REGISTER_REPLY);
	return answer->register_reply->first_range;
}

static inline void free_range(struct rawpeer *p, uint64_t id)
{
	Hmmd__Free f = HMMD__FREE__INIT;
	RAW_MESSAGE(m, FREE, free, &f);

	f.range = &id;
	f.n_range = 1;
	assert_int_equal(rawpeer_refusal(p, &m, NULL, 0), 0);
}

#endif
