// SPDX-License-Identifier: GPL-2.0-or-later
/* Nobody waits for what somebody else has asked for, or has not read, or for the service manager. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "tests/support/ask.h"
#include "tests/support/manager.h"
#include "tests/support/state.h"

static int map_request(struct rawpeer *p, struct rawrange *r)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP };
	Hmmd__MapRange map = HMMD__MAP_RANGE__INIT;
	RAW_MESSAGE(m, MAP_RANGE, map_range, &map);
	char *room = mmap(NULL, 2 * r->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(room != MAP_FAILED);
	r->addr = (char *)(((uintptr_t)room + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
	assert_ptr_equal(mmap(r->addr, r->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED, r->file, 0),
			 r->addr);
	reg.range.start = (uintptr_t)r->addr;
	reg.range.len = r->size;
	assert_int_equal(ioctl(p->uffd, UFFDIO_REGISTER, &reg), 0);
	map.range = r->id;
	map.addr = (uintptr_t)r->addr;
	return rawpeer_send(p, &m, NULL, 0);
}

/* The service manager hangs: whoever needs it waits for it, and nobody else. */
static void nobody_else_waits_for_the_manager(void **state)
{
	struct house *h = house_open(&(struct house_options){ .managed = true });
	struct rawpeer *p = rawpeer_open(h->socket), *other = rawpeer_open(h->socket);
	struct rawrange r = { .file = -1 };
	Hmmd__Message *answer;

	(void)state;
	rawpeer_hello(p);
	rawpeer_attach(p);
	rawpeer_hello(other);
	rawpeer_alloc(p, 1, &r);
	manager_hold(h->manager);
	assert_int_equal(map_request(p, &r), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal(rawpeer_ping(other), 0);
	assert_null(rawpeer_receive(p, 0));	/* it is not acknowledged before it is stored */
	manager_release(h->manager);
	answer = rawpeer_receive(p, (int)(PATIENCE_US / 1000));
	assert_non_null(answer);
	assert_int_equal(answer->kind_case, HMMD__MESSAGE__KIND_OK);
	assert_true(manager_stored(h->manager) > 0);
	rawpeer_free(p, &r);
	rawpeer_close(p);
	rawpeer_close(other);
	house_close(h);
}

/* What cannot be stored is refused before anybody relies on it, and there is room again when it was given back. */
static void a_full_store_is_refused(void **state)
{
	enum { PLACES = 12, MOST = 16 };
	struct house *h = house_open(&(struct house_options){ .managed = true, .store = PLACES });
	struct hmm_client *c[MOST] = { NULL };
	struct hmm_range *r = NULL;
	int n = 0, rc = 0;

	(void)state;
	while (n < MOST) {
		c[n] = house_client(h, "store", 0);
		rc = hmm_alloc(c[n], HUGE_PAGE, NULL, &r);
		if (rc)
			break;
		n++;
	}
	assert_int_equal(rc, -EDQUOT);	/* one user cannot have all of it */
	assert_non_null(strstr(hmm_client_last_error(c[n]), "store"));
	assert_true(n > 1);
	assert_true(manager_stored(h->manager) < PLACES);
	assert_int_equal(manager_refused(h->manager), 0);
	hmm_client_unref(c[--n]);
	assert_soon(hmm_alloc(c[n + 1], HUGE_PAGE, NULL, &r) == 0);
	hmm_client_unref(c[n + 1]);
	while (n)
		hmm_client_unref(c[--n]);
	house_close(h);
}

/* A memory device that no later daemon would find is not used. */
static void a_device_without_a_place_is_not_used(void **state)
{
	struct house *h = house_open(&(struct house_options){ .managed = true, .store = 1, .config = HOUSE_TIERS
				     "[tier farther]\nkind = memory\ncapacity = 64M\n" });
	struct hmm_client *c = house_client(h, "store", 0);
	char text[16];

	(void)state;
	ask_text(c, "tiers", "name", "far", "state", text, sizeof(text));
	assert_string_equal(text, "online");
	ask_text(c, "tiers", "name", "farther", "state", text, sizeof(text));
	assert_string_equal(text, "failed");
	assert_int_equal(manager_stored(h->manager), 1);
	assert_int_equal(manager_refused(h->manager), 0);
	hmm_client_unref(c);
	house_close(h);
}

static uint64_t start_move(struct rawpeer *p, uint64_t range, uint64_t size)
{
	Hmmd__Migrate g = HMMD__MIGRATE__INIT;
	RAW_MESSAGE(m, MIGRATE, migrate, &g);
	Hmmd__Message *answer;

	g.range = range;
	g.length = size;
	g.tier = "dram";
	answer = rawpeer_call(p, &m, NULL, 0);
	assert_non_null(answer);
	assert_int_equal(answer->kind_case, HMMD__MESSAGE__KIND_OP_STARTED);
	return answer->op_started->op;
}

static void await_op(struct rawpeer *p, uint64_t op)
{
	Hmmd__Message *m;

	do {
		m = rawpeer_receive(p, (int)(PATIENCE_US / 1000));
		assert_non_null(m);
	} while (m->kind_case != HMMD__MESSAGE__KIND_OP_DONE || m->op_done->op != op);
	assert_int_equal(m->op_done->asked, m->op_done->moved + m->op_done->already_there + m->op_done->busy +
			 m->op_done->failed);
}

/* Terabytes are moved in slices, users take turns, and what a client has begun ends with it. */
static void nobody_waits_for_a_long_move(void **state)
{
	enum { MOVES = 60, SHORT = 4 };
	struct house *h = small_state("size=64m", NULL, true);
	struct rawpeer *greedy, *other;
	uint64_t range, mine, before;
	int code;

	(void)state;
	greedy = connect_as(h, ANYBODY, &code);
	other = connect_as(h, SOMEBODY, &code);
	assert_true(greedy && other);
	range = register_at(greedy, TiB, 8 * TiB);
	for (int i = 0; i < MOVES; i++)
		start_move(greedy, range, 8 * TiB);
	mine = register_at(other, TiB, 4 * HUGE_PAGE);
	for (int i = 0; i < SHORT; i++)
		await_op(other, start_move(other, mine, 4 * HUGE_PAGE));
	rawpeer_close(greedy);
	for (int i = 0; i < SHORT; i++)
		await_op(other, start_move(other, mine, 4 * HUGE_PAGE));
	free_range(other, mine);
	/* Nobody works on what was cancelled. */
	do {
		before = count_cpu_us(h->pid);
		pause_us(100000);
	} while (count_cpu_us(h->pid) - before > 50000);
	rawpeer_close(other);
	end(h);
}

/* Asks until its socket is full and reads nothing. */
static void ask_and_not_read(struct rawpeer *p)
{
	Hmmd__Query q = HMMD__QUERY__INIT;
	RAW_MESSAGE(m, QUERY, query, &q);
	int quiet = 0;

	q.topic = "doctor";
	q.arg = "";
	assert_int_equal(fcntl(p->sock, F_SETFL, O_NONBLOCK), 0);
	while (quiet < 20) {
		if (rawpeer_send(p, &m, NULL, 0)) {
			pause_us(1000);
			quiet++;
		}
	}
}

/* While they are full, and after; freed memory stays with a sanitizer for a while. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { MOST_KIB = 600 * KIB, LIMIT_KIB = 600 * KIB };
#else
enum { MOST_KIB = 40 * KIB, LIMIT_KIB = 4 * KIB };
#endif

/* What nobody reads is limited for a user, and its memory comes back. */
static void queues_are_limited_and_given_back(void **state)
{
	enum { PEERS = 150 };
	struct house *h = small_state("size=64m", HOUSE_TIERS "[quota default]\nqueued = 4M\n", true);
	struct rawpeer *p[PEERS], *other;
	uint64_t before;
	int code;

	(void)state;
	for (int i = 0; i < PEERS; i++)
		assert_non_null(p[i] = connect_as(h, ANYBODY, &code));
	before = count_private_kib(h->pid);
	for (int i = 0; i < PEERS; i++)
		ask_and_not_read(p[i]);
	assert_true(count_private_kib(h->pid) < before + MOST_KIB);
	other = connect_as(h, SOMEBODY, &code);
	assert_non_null(other);
	assert_int_equal(rawpeer_ping(other), 0);
	for (int i = 0; i < PEERS; i++)
		rawpeer_close(p[i]);
	assert_soon(count_private_kib(h->pid) < before + LIMIT_KIB);
	rawpeer_close(other);
	end(h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_else_waits_for_the_manager),
		cmocka_unit_test(a_full_store_is_refused),
		cmocka_unit_test(a_device_without_a_place_is_not_used),
		cmocka_unit_test(nobody_waits_for_a_long_move),
		cmocka_unit_test(queues_are_limited_and_given_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
