// SPDX-License-Identifier: GPL-2.0-or-later
/* Some seconds of random frames and random descriptors while a good client works. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/fd.h"
#include "tests/support/ask.h"
#include "tests/support/churn.h"
#include "tests/support/move.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"
#include "tests/support/witness.h"

enum { CLIENT_PAGES = 12, SENDS_PER_LOOK = 64 };
/* Thousands of connections and a hundred thousand frames. */
#define FUZZ_US 4000000ULL

static unsigned int seed = 1234;

static uint64_t any(void)
{
	return ((uint64_t)rand_r(&seed) << 42) ^ ((uint64_t)rand_r(&seed) << 21) ^ (uint64_t)rand_r(&seed);
}

/* Numbers that tend to lie at edges. */
static uint64_t edgy(void)
{
	static const uint64_t edges[] = {
		0, 1, 2, 4095, 4096, HUGE_PAGE - 1, HUGE_PAGE, HMM_LIMIT_ADDRESS - HUGE_PAGE, HMM_LIMIT_ADDRESS,
		1ULL << 63, UINT64_MAX - HUGE_PAGE + 1, UINT64_MAX - 1, UINT64_MAX, UINT32_MAX,
	};

	return any() % 3 ? edges[any() % (sizeof(edges) / sizeof(edges[0]))] : any();
}

static size_t noise(struct rawpeer *p)
{
	size_t size = any() % 400;

	for (size_t i = 0; i < size; i++)
		p->out[i] = (uint8_t)any();
	return size;
}

/* A right header over a body of noise. */
static size_t framed_noise(struct rawpeer *p)
{
	size_t size = HMM_LIMIT_HEADER + noise(p);
	uint32_t head[2] = { HMM_FRAME_MAGIC, (uint32_t)(size - HMM_LIMIT_HEADER) };
	uint64_t id = any() % 5;

	memmove(p->out + HMM_LIMIT_HEADER, p->out, size - HMM_LIMIT_HEADER);
	memcpy(p->out, head, sizeof(head));
	memcpy(p->out + 8, &id, sizeof(id));
	return size;
}

static size_t pack(struct rawpeer *p, const Hmmd__Message *m)
{
	size_t size = 0;

	assert_int_equal(frame_pack(++p->id, m, p->out, sizeof(p->out), &size), 0);
	return size;
}

static size_t bad_span(struct rawpeer *p)
{
	Hmmd__Migrate migrate = HMMD__MIGRATE__INIT;
	Hmmd__Advise advise = HMMD__ADVISE__INIT;
	RAW_MESSAGE(m, MIGRATE, migrate, &migrate);

	migrate.range = edgy();
	migrate.offset = edgy();
	migrate.length = edgy();
	migrate.tier = any() % 2 ? "far" : "";
	if (any() % 2) {
		advise.range = edgy();
		advise.offset = edgy();
		advise.length = edgy();
		advise.advice = (uint32_t)any() % 16;
		advise.value = edgy();
		m.kind_case = HMMD__MESSAGE__KIND_ADVISE;
		m.advise = &advise;
	}
	return pack(p, &m);
}

static size_t bad_register(struct rawpeer *p)
{
	Hmmd__Register reg = HMMD__REGISTER__INIT;
	RAW_MESSAGE(m, REGISTER, register_, &reg);
	uint64_t addr[4], size[4];

	for (int i = 0; i < 4; i++) {
		addr[i] = edgy();
		size[i] = edgy();
	}
	reg.addr = addr;
	reg.size = size;
	reg.n_addr = any() % 5;
	reg.n_size = any() % 5;
	return pack(p, &m);
}

static size_t bad_resume(struct rawpeer *p)
{
	Hmmd__ResumeRange range = HMMD__RESUME_RANGE__INIT, *ranges[] = { &range };
	Hmmd__Resume resume = HMMD__RESUME__INIT;
	RAW_MESSAGE(m, RESUME, resume, &resume);

	range.range = edgy();
	range.addr = edgy();
	range.size = edgy();
	range.managed = any() % 2;
	resume.range = ranges;
	resume.n_range = any() % 2;
	resume.last = any() % 2;
	return pack(p, &m);
}

static size_t bad_control(struct rawpeer *p)
{
	Hmmd__Control control = HMMD__CONTROL__INIT;
	RAW_MESSAGE(m, CONTROL, control, &control);

	control.verb = HMM_CONTROL_MIGRATE;
	control.pid = any() % 2 ? (int32_t)any() : getpid() + 1000000;
	control.addr = edgy();
	control.end = edgy();
	control.tier = "nonesuch";
	return pack(p, &m);
}

static size_t mutated(struct rawpeer *p)
{
	size_t size = any() % 2 ? bad_register(p) : bad_span(p);

	for (uint64_t n = 1 + any() % 4; n; n--)
		p->out[any() % size] = (uint8_t)any();
	return any() % 3 ? size : any() % size;
}

static void throw_one(struct rawpeer *p, int spare)
{
	static size_t (*const makers[])(struct rawpeer *) = {
		noise, framed_noise, bad_span, bad_register, bad_resume, bad_control, mutated,
	};
	int fds[HMM_LIMIT_FDS];
	size_t n = any() % 4 ? 0 : any() % HMM_LIMIT_FDS;

	for (size_t i = 0; i < HMM_LIMIT_FDS; i++)
		fds[i] = any() % 2 ? spare : p->sock;
	/* A daemon that does not want more shows this peer out or lets it wait: both are fine here. */
	fd_send(p->sock, p->out, makers[any() % (sizeof(makers) / sizeof(makers[0]))](p), fds, n, MSG_DONTWAIT);
}

static void fuzz(const char *socket_path)
{
	uint64_t end = clock_us() + FUZZ_US, frames = 0, peers = 0;
	int spare = eventfd(0, EFD_CLOEXEC);

	while (clock_us() < end) {
		struct rawpeer *p = rawpeer_open(socket_path);

		if (any() % 8)
			rawpeer_hello(p);
		for (int i = 0; i < SENDS_PER_LOOK; i++, frames++)
			throw_one(p, spare);
		rawpeer_close(p);
		peers++;
	}
	close(spare);
	printf("# %llu frames by %llu peers\n", (unsigned long long)frames, (unsigned long long)peers);
}

static void good_clients_work_on(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct hmm_client *c = house_client(h, "good", 0);
	static struct churn churn;
	struct hmm_range *r = NULL;
	uint64_t writes = 0, bad;
	struct witness w;
	int before;

	(void)state;
	assert_int_equal(hmm_alloc(c, CLIENT_PAGES * HUGE_PAGE, NULL, &r), 0);
	before = count_descriptors_at_rest(h->pid);
	churn_begin(&churn, r);
	assert_soon(move_count(r, (uint8_t)ask_tier(c, "dram")) > 0);	/* a writer has come to its first page */
	fuzz(h->socket);
	assert_true(house_alive(h));
	/* All of them are gone before the witness counts what there is. */
	assert_soon(count_descriptors(h->pid) == before);
	move_all(r, 0, HUGE_PAGE, "far");
	bad = churn_end(&churn, &writes);
	assert_int_equal(bad, 0);
	assert_true(writes > 0);
	assert_int_equal(hmm_range_free(r), 0);
	hmm_client_unref(c);
	witness_begin(&w, h);
	witness_undisturbed(&w);
	witness_end(&w);
	house_close(h);
}

static void nothing_is_left_of_them(void **state)
{
	struct house *h = house_open(&(struct house_options){ .config = HOUSE_QUIET });
	struct witness w;

	(void)state;
	witness_begin(&w, h);
	fuzz(h->socket);
	witness_undisturbed(&w);
	witness_end(&w);
	house_close(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_clients_work_on),
		cmocka_unit_test(nothing_is_left_of_them),
	};

	return cmocka_run_group_tests_name("hostile peers", tests, NULL, NULL);
}
