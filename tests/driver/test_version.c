// SPDX-License-Identifier: GPL-2.0-or-later
/* Every request: shorter and longer structures, unknown flags, reserved fields, bad pointers, wraps. */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/driver/space.h"
#include "tests/driver/tap.h"

/* Offsets of a reserved field and of addr, 0 where there is none. */
struct request {
	unsigned long number;
	size_t reserved, addr;
};

#define RESERVED(type) offsetof(struct type, reserved)
#define ADDR(type) offsetof(struct type, addr)

static const struct request requests[] = {
	{ HMMDEV_QUERY, RESERVED(hmmdev_query), 0 },
	{ HMMDEV_DEV_INFO, RESERVED(hmmdev_dev_info), 0 },
	{ HMMDEV_RANGE_ADD, RESERVED(hmmdev_range), ADDR(hmmdev_range) },
	{ HMMDEV_RANGE_DEL, RESERVED(hmmdev_range), 0 },
	{ HMMDEV_MIGRATE, 0, ADDR(hmmdev_migrate) },
	{ HMMDEV_EVICT, 0, ADDR(hmmdev_migrate) },
	{ HMMDEV_EXCL_ACQUIRE, 0, ADDR(hmmdev_excl) },
	{ HMMDEV_EXCL_RELEASE, 0, ADDR(hmmdev_excl) },
	{ HMMDEV_EXCL_CHECK, 0, ADDR(hmmdev_excl) },
	{ HMMDEV_SNAPSHOT, RESERVED(hmmdev_snap), ADDR(hmmdev_snap) },
	{ HMMDEV_PIN, RESERVED(hmmdev_pin), ADDR(hmmdev_pin) },
	{ HMMDEV_UNPIN, RESERVED(hmmdev_pin), 0 },
	{ HMMDEV_STATS, 0, 0 },
	{ HMMDEV_LIMIT, offsetof(struct hmmdev_limit, uid), 0 },
	{ HMMDEV_DEV_CTL, 0, 0 },
	{ HMMDEV_DEV_READ, RESERVED(hmmdev_rw), ADDR(hmmdev_rw) },
	{ HMMDEV_DEV_WRITE, RESERVED(hmmdev_rw), ADDR(hmmdev_rw) },
	{ HMMDEV_INJECT, RESERVED(hmmdev_inject), 0 },
};

enum { REQUESTS = sizeof(requests) / sizeof(*requests) };

/* A request that is right in form and does nothing, or fails for its meaning only. */
static void harmless(const struct request *r, void *buffer, size_t bytes)
{
	static void *page;
	static uint64_t fresh = 1ULL << 32;	/* where no range has been added */

	if (!page)
		page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(buffer, 0, bytes);
	*(uint32_t *)buffer = _IOC_SIZE(r->number);
	if (r->addr) {
		*(uint64_t *)((char *)buffer + r->addr) =
			r->number == HMMDEV_RANGE_ADD ? fresh += PAGE : (uintptr_t)page;
		*(uint64_t *)((char *)buffer + r->addr + 8) = PAGE;
	}
	if (r->number == HMMDEV_DEV_CTL) {	/* of a device that is not there */
		((struct hmmdev_dev_ctl *)buffer)->op = HMMDEV_OP_DRAIN;
		((struct hmmdev_dev_ctl *)buffer)->dev = HMMDEV_DEV_NONE;
	}
}

static int answer(int fd, const struct request *r, void *buffer)
{
	return ioctl(fd, r->number, buffer) ? -errno : 0;
}

static void sizes(void)
{
	static uint64_t buffer[2 * 4096 / 8];
	int fd = space_open();

	for (size_t i = 0; i < REQUESTS; i++) {
		const struct request *r = &requests[i];
		uint32_t *size = (uint32_t *)buffer;
		int plain;

		for (uint32_t s = 0; s < _IOC_SIZE(r->number) - 16; s++) {
			harmless(r, buffer, sizeof(buffer));
			*size = s;
			expect_is(answer(fd, r, buffer), -EINVAL);
		}
		harmless(r, buffer, sizeof(buffer));
		plain = answer(fd, r, buffer);
		harmless(r, buffer, sizeof(buffer));
		*size = _IOC_SIZE(r->number) + 64;
		expect_is(answer(fd, r, buffer), plain);
		harmless(r, buffer, sizeof(buffer));
		*size = _IOC_SIZE(r->number) + 64;
		((char *)buffer)[*size - 1] = 1;
		expect_is(answer(fd, r, buffer), -E2BIG);
		harmless(r, buffer, sizeof(buffer));
		*size = UINT32_MAX;
		expect_is(answer(fd, r, buffer), -E2BIG);
	}
}

/* A structure may be longer than the kernel's, not shorter than its first version; no byte behind it changes. */
static void long_answer(void)
{
	struct {
		struct hmmdev_query known;
		uint64_t later[4];
	} longer = { .known.size = sizeof(longer) };
	int fd = space_open();

	expect_is(ioctl(fd, HMMDEV_QUERY, &longer), 0);
	expect_is(longer.known.size, sizeof(longer));
	expect_is(longer.known.api, HMMDEV_API_VERSION);
	expect_is(longer.known.huge_size, HUGE);
	expect(longer.known.max_window_pages >= HUGE / PAGE);
	expect(longer.known.features & HMMDEV_FEATURE_TEST);
	for (int i = 0; i < 4; i++)
		expect_is(longer.later[i], 0);
	longer.known.size = sizeof(longer.known) - 4;
	expect_is(ioctl(fd, HMMDEV_QUERY, &longer) ? errno : 0, EINVAL);
}

static void unknown_bits(void)
{
	static uint64_t buffer[4096 / 8];
	int fd = space_open();

	for (size_t i = 0; i < REQUESTS; i++) {
		const struct request *r = &requests[i];

		for (int bit = 8; bit < 32; bit++) {
			harmless(r, buffer, sizeof(buffer));
			((uint32_t *)buffer)[1] = 1U << bit;
			if (answer(fd, r, buffer) != -EINVAL)
				tap_fail(__FILE__, __LINE__, "request %zu takes flag %d", i, bit);
		}
		if (!r->reserved)
			continue;
		harmless(r, buffer, sizeof(buffer));
		((char *)buffer)[r->reserved] = 1;
		if (answer(fd, r, buffer) != -EINVAL)
			tap_fail(__FILE__, __LINE__, "request %zu takes a reserved field", i);
	}
}

static void unknown_requests(void)
{
	static uint64_t buffer[4096 / 8];
	int fd = space_open();

	buffer[0] = 64;	/* size, and no flags */
	for (unsigned int nr = REQUESTS; nr < 256; nr++)
		expect_is(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, HMMDEV_IOC_TYPE, nr, 64), buffer) ? errno : 0, ENOTTY);
	expect_is(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE, 'H', 0, 40), buffer) ? errno : 0, ENOTTY);
}

static void bad_pointers(void)
{
	char *page = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = space_open();

	expect_is(munmap(page + PAGE, PAGE), 0);
	for (size_t i = 0; i < REQUESTS; i++) {
		char *edge = page + PAGE - 16;

		expect_is(answer(fd, &requests[i], NULL), -EFAULT);
		expect_is(answer(fd, &requests[i], (void *)-4096L), -EFAULT);
		*(uint32_t *)edge = _IOC_SIZE(requests[i].number);
		expect_is(answer(fd, &requests[i], edge), -EFAULT);
	}
}

static void addresses(void)
{
	static uint64_t buffer[4096 / 8];
	int fd = space_open();

	for (size_t i = 0; i < REQUESTS; i++) {
		const struct request *r = &requests[i];
		uint64_t *addr = (uint64_t *)((char *)buffer + r->addr);

		if (!r->addr)
			continue;
		harmless(r, buffer, sizeof(buffer));
		addr[0] += 1;
		expect_is(answer(fd, r, buffer), -EINVAL);
		harmless(r, buffer, sizeof(buffer));
		addr[1] += 8;
		expect_is(answer(fd, r, buffer), -EINVAL);
		harmless(r, buffer, sizeof(buffer));
		addr[1] = 0;
		expect_is(answer(fd, r, buffer), -EINVAL);
		harmless(r, buffer, sizeof(buffer));
		addr[1] = -PAGE;
		expect_is(answer(fd, r, buffer), -EOVERFLOW);
		harmless(r, buffer, sizeof(buffer));
		addr[0] = 1ULL << 60;	/* of no process */
		expect(answer(fd, r, buffer) < 0 || r->number == HMMDEV_SNAPSHOT || r->number == HMMDEV_EXCL_CHECK ||
		       r->number == HMMDEV_EXCL_RELEASE || r->number == HMMDEV_RANGE_ADD);
	}
}

static void rights(void)
{
	struct hmmdev_dev_ctl ctl = { .op = HMMDEV_OP_CREATE, .bytes = HUGE, .nid = -1 };
	struct hmmdev_limit limit = { .scope = HMMDEV_SCOPE_FD, .dev_bytes = 0, .pin_bytes = ~0ULL, .ranges = ~0ULL };
	int fd = space_open();

	expect_is(setuid(65534), 0);
	expect_is(call(fd, HMMDEV_DEV_CTL, &ctl), -EPERM);
	expect_is(call(fd, HMMDEV_LIMIT, &limit), 0);
	limit.dev_bytes = HUGE;
	expect_is(call(fd, HMMDEV_LIMIT, &limit), -EPERM);
}

TESTS(TEST(sizes), TEST(long_answer), TEST(unknown_bits), TEST(unknown_requests), TEST(bad_pointers),
      TEST(addresses), TEST(rights))
