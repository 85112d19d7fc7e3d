// SPDX-License-Identifier: GPL-2.0-or-later
/* One client, two tiers, one range (rig.h). */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/image.h"
#include "daemon/mech/kernel.h"
#include "tests/support/test.h"
#include "tests/unit/rig.h"

#define SIM_ADDR (1ULL << 32)

enum { POOL_PAGES = 64 };	/* what the tests of one process hold at once */

static struct hugepool *pool;	/* raised for the backing and the device; NULL: neither has huge pages */

static void add_tier(struct config *c, const char *name, enum tier_kind kind, unsigned int pages)
{
	struct tier_config *t = &c->tiers[c->n_tiers++];

	config_tier_defaults(t);
	snprintf(t->name, sizeof(t->name), "%s", name);
	t->kind = kind;
	t->nodes = kind == TIER_NUMA;
	t->capacity = pages * PAGE;
}

static void make_world(struct rig *g, bool adopt)
{
	struct range_request q = { .size = g->options.pages * PAGE, .name = "rig" };
	struct config *c = calloc(1, sizeof(*c));
	struct image self;

	config_defaults(c);
	add_tier(c, "fast", TIER_NUMA, g->options.fast);
	add_tier(c, "far", TIER_MEMORY, g->options.far);
	assert_int_equal(world_new(&g->world, c, 1), 0);
	free(c);
	assert_int_equal(space_new(&g->space, g->world, 1, getpid(), getuid(), g->mirror, g->owners,
				   RIG_TABLES, RIG_TABLES, adopt), 0);
	assert_int_equal(space_alloc(g->space, &q, &g->range), 0);
	g->space->uffd = g->uffd;
	assert_int_equal(image_of(getpid(), &self), 0);
	g->space->image = self.mark;
	g->range->backing = g->file;
	assert_int_equal(space_map(g->space, g->range, g->first << LEDGER_PAGE_SHIFT), 0);
	g->space->recovering = false;
	assert_int_equal(g->range->home, FAST);
	assert_int_equal(g->range->n_lower, 1);
	assert_int_equal(slots_new(&g->devices[FAR].slots, g->options.far), 0);
}

static void free_world(struct rig *g)
{
	space_range_leave(g->space, g->range);
	space_range_free(g->range, NULL, NULL);
	space_reclaim(g->space);
	space_free(g->space);
	world_free(g->world);
	g->devices[FAR].slots = slots_free(g->devices[FAR].slots);
}

static uint8_t *aligned_address(uint64_t size)
{
	uint8_t *p = mmap(NULL, size + PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	assert_true(p != MAP_FAILED);
	return (uint8_t *)(((uintptr_t)p + PAGE - 1) & ~(PAGE - 1));
}

static int open_uffd(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
				  UFFD_FEATURE_MISSING_HUGETLBFS | UFFD_FEATURE_MISSING_SHMEM };
	int device, fd;

	assert_int_equal(uffd_open_device(&device), 0);
	fd = ioctl(device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK);
	close(device);
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, UFFDIO_API, &api), 0);
	return fd;
}

void rig_register(struct rig *g, unsigned int pages)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)g->memory, .len = pages * PAGE },
		.mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP
	};

	assert_int_equal(ioctl(g->uffd, UFFDIO_REGISTER, &reg), 0);
}

static void map_client(struct rig *g)
{
	uint64_t size = g->options.pages * PAGE;
	void *at = aligned_address(size);

	g->memory = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, g->file, 0);
	assert_ptr_equal(g->memory, at);
	g->uffd = open_uffd();
	rig_register(g, g->options.pages);
	g->first = (uintptr_t)at >> LEDGER_PAGE_SHIFT;
}

void rig_open(struct rig *g, const struct rig_options *o)
{
	struct hmm_device_config c = { .name = "far", .capacity = o->far * PAGE, .slot_size = PAGE, .base_pages = !pool,
				       .fd = -1 };

	*g = (struct rig){ .options = *o, .mech = o->mech, .file = -1, .uffd = -1, .first = SIM_ADDR >> LEDGER_PAGE_SHIFT };
	if (!g->mech)
		assert_int_equal(mech_sim_new(&g->mech), 0);
	g->mirror = calloc(RIG_TABLES, LEDGER_TABLE_SIZE);
	g->owners = calloc(RIG_TABLES, LEDGER_TABLE_SIZE);
	assert_int_equal(g->mech->ops->create(g->mech, "rig", o->pages * PAGE, &g->file), 0);
	if (o->map)
		map_client(g);
	g->devices[FAR].ops = o->device ? o->device : &hmm_device_memory;
	assert_int_equal(g->devices[FAR].ops->open(&g->devices[FAR].device, &c), 0);
	make_world(g, false);
	assert_int_equal(mover_init(&g->mover, g->mech, g->devices, NULL), 0);
}

void rig_close(struct rig *g)
{
	mover_done(&g->mover);
	free_world(g);
	g->devices[FAR].ops->close(g->devices[FAR].device);
	if (g->memory)
		munmap(g->memory, g->options.pages * PAGE);
	if (g->uffd >= 0)
		close(g->uffd);
	close(g->file);
	mech_free(g->mech);
	free(g->mirror);
	free(g->owners);
}

void rig_restart(struct rig *g)
{
	void *mirror = malloc(RIG_TABLES * (size_t)LEDGER_TABLE_SIZE);

	memcpy(mirror, g->mirror, RIG_TABLES * (size_t)LEDGER_TABLE_SIZE);
	free_world(g);
	free(g->mirror);
	g->mirror = mirror;
	memset(g->owners, 0, RIG_TABLES * (size_t)LEDGER_TABLE_SIZE);
	g->devices[FAR].failed = false;
	make_world(g, true);
}

static radix_word *word_at(const struct rig *g, unsigned int page)
{
	return radix_find(&g->space->mirror, g->first + page);
}

uint64_t rig_word(const struct rig *g, unsigned int page)
{
	return atomic_load(word_at(g, page));
}

enum page_state rig_state(const struct rig *g, unsigned int page)
{
	return page_word_state(rig_word(g, page));
}

struct mech_page rig_page(const struct rig *g, unsigned int page)
{
	return (struct mech_page){
		.uffd = g->uffd, .file = g->file, .addr = (g->first + page) << LEDGER_PAGE_SHIFT, .offset = page * PAGE
	};
}

void rig_put_word(struct rig *g, unsigned int page, enum page_state state, unsigned int tier, uint32_t slot)
{
	atomic_store(word_at(g, page), (uint64_t)state | (uint64_t)tier << 4 | (uint64_t)slot << 32);
}

void rig_balanced(const struct rig *g)
{
	uint64_t bytes[HMM_LIMIT_TIERS] = { 0 };
	uint32_t slots = 0;

	for (unsigned int i = 0; i < g->options.pages; i++) {
		enum page_state s = rig_state(g, i);

		assert_true(s == PAGE_ABSENT || s == PAGE_RESIDENT || s == PAGE_DEVICE || s == PAGE_POISONED);
		if (s == PAGE_RESIDENT || s == PAGE_DEVICE)
			bytes[page_word_tier(rig_word(g, i))] += PAGE;
		slots += s == PAGE_DEVICE;
	}
	assert_int_equal(slots_used(g->devices[FAR].slots), slots);
	for (unsigned int t = FAST; t <= FAR; t++) {
		assert_int_equal(g->range->tier_bytes[t], bytes[t]);
		assert_int_equal(g->space->account->pools[t].used, bytes[t]);
		assert_int_equal(g->world->tiers[t].pool.used, bytes[t]);
	}
}

int rig_fill(struct rig *g, unsigned int page)
{
	struct pool *full;

	return mover_fill(&g->mover, g->range, g->first + page, atomic_load(&g->range->home), &full);
}

int rig_evict(struct rig *g, unsigned int page)
{
	return mover_evict(&g->mover, g->range, g->first + page, 0, FAR);
}

/* What a fault service thread does with the answer. */
static void serve(struct rig *g, unsigned int page, bool write_protect)
{
	uint64_t vpn = g->first + page;

	switch (fault_answer(rig_word(g, page), write_protect)) {
	case FAULT_ZERO:
	case FAULT_FILL:
		(void)rig_fill(g, page);
		break;
	case FAULT_ABORT:
		(void)mover_abort(&g->mover, g->range, vpn);
		break;
	case FAULT_CHECK:
		(void)mover_check(&g->mover, g->range, vpn);
		break;
	default:
		break;
	}
}

enum { TRIES = 8 };	/* a touch may fault more than once, not for ever */

uint64_t rig_read(struct rig *g, unsigned int page, size_t word)
{
	struct mech_page p = rig_page(g, page);
	uint64_t value = 0;

	for (int i = 0; i < TRIES; i++) {
		if (!sim_read(g->mech, &p, word, &value))
			return value;
		serve(g, page, false);
	}
	fail_msg("page %u cannot be read: %s", page, page_state_name(rig_state(g, page)));
	return 0;
}

void rig_write(struct rig *g, unsigned int page, size_t word, uint64_t value)
{
	struct mech_page p = rig_page(g, page);

	for (int i = 0; i < TRIES; i++) {
		int r = sim_write(g->mech, &p, word, value);

		if (!r)
			return;
		serve(g, page, r == SIM_E_PROTECTED);
	}
	fail_msg("page %u cannot be written: %s", page, page_state_name(rig_state(g, page)));
}

void rig_mark(struct rig *g, unsigned int page, uint64_t value)
{
	rig_write(g, page, 0, value);
	rig_write(g, page, RIG_WORDS - 1, ~value);
}

void rig_check(struct rig *g, unsigned int page, uint64_t value)
{
	assert_int_equal(rig_read(g, page, 0), value);
	assert_int_equal(rig_read(g, page, RIG_WORDS - 1), ~value);
	assert_int_equal(rig_read(g, page, RIG_WORDS / 2), 0);
}

static char scratch[] = "/tmp/hmmd-rig-XXXXXX", mounted[64];

static const char *hugetlb(struct mech **ret)
{
	if (hugepool_new(&pool, HUGEPOOL_RECORD, UINT64_MAX, POOL_PAGES * PAGE))
		return "the overcommit of huge pages may not be raised";
	return mech_hugetlb_new(ret) ? "no userfaultfd of our own" : NULL;
}

static const char *thp(struct mech **ret)
{
	if (!mkdtemp(strcpy(scratch, "/tmp/hmmd-rig-XXXXXX")))
		return "no directory in /tmp";
	snprintf(mounted, sizeof(mounted), "%s/thp", scratch);
	if (thpmount_make(mounted)) {
		mounted[0] = '\0';
		return "a tmpfs may not be mounted";
	}
	return mech_shm_new(ret, MECH_SHM_THP, mounted) ? "the tmpfs cannot be opened" : NULL;
}

const char *rig_backing(const char *name, struct mech **ret)
{
	int device;

	if (uffd_open_device(&device))
		return "/dev/userfaultfd cannot be opened";
	close(device);
	if (!strcmp(name, "hugetlb"))
		return hugetlb(ret);
	if (!strcmp(name, "thp"))
		return thp(ret);
	return mech_shm_new(ret, MECH_SHM_SMALL, NULL) ? "no memory" : NULL;
}

void rig_backing_done(void)
{
	pool = hugepool_free(pool);
	if (mounted[0])
		thpmount_remove(mounted);
	mounted[0] = '\0';
	rmdir(scratch);
}
