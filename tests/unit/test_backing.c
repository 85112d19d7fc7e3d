// SPDX-License-Identifier: GPL-2.0-or-later
/* The real backings with a real userfaultfd, inside one process: each promise of mech.h that the kernel could break. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "daemon/mech/doors.h"
#include "daemon/mech/image.h"
#include "tests/unit/backed.h"

static void *touch(void *word)
{
	*(volatile uint64_t *)word += 1;
	return NULL;
}

/* The next event of the client; false when there is none. */
static bool next_fault(struct uffd_fault *ret)
{
	struct pollfd p = { .fd = backed.uffd, .events = POLLIN };
	size_t n = 0;

	return poll(&p, 1, PATIENCE_US / 1000) == 1 && !uffd_read(backed.uffd, NULL, ret, 1, &n) && n == 1;
}

/* The tracker takes a page out of the page table at any time, also out of the middle of an eviction. */
static void zapped_page_stays_protected(void **state)
{
	struct mech_page p = rig_page(&backed, 0);
	struct uffd_fault f = { 0 };
	pthread_t t;

	NEED_BACKING();
	assert_int_equal(rig_fill(&backed, 0), MOVER_DONE);
	backed.memory[0] = 5;
	assert_int_equal(backed.mech->ops->freeze(backed.mech, &p), 0);
	assert_int_equal(madvise(backed.memory, PAGE, MADV_DONTNEED), 0);
	assert_int_equal(backed.memory[0], 5);
	pthread_create(&t, NULL, touch, backed.memory);
	assert_true(next_fault(&f));
	assert_true(f.write_protect && f.write);
	assert_int_equal(f.addr, p.addr);
	assert_int_equal(mover_abort(&backed.mover, backed.range, backed.first), MOVER_E_ALREADY);
	pthread_join(t, NULL);
	assert_int_equal(backed.memory[0], 6);
}

/* ... and a page that was out of the page table when it was frozen is protected all the same. */
static void frozen_while_zapped_is_protected(void **state)
{
	struct mech_page p = rig_page(&backed, 0);
	struct uffd_fault f = { 0 };
	pthread_t t;

	NEED_BACKING();
	assert_int_equal(rig_fill(&backed, 0), MOVER_DONE);
	assert_int_equal(madvise(backed.memory, PAGE, MADV_DONTNEED), 0);
	assert_int_equal(backed.mech->ops->freeze(backed.mech, &p), 0);
	pthread_create(&t, NULL, touch, backed.memory);
	assert_true(next_fault(&f));
	assert_true(f.write_protect);
	assert_int_equal(backed.mech->ops->thaw(backed.mech, &p), 0);
	pthread_join(t, NULL);
}

static void page_that_came_back_is_not_protected(void **state)
{
	NEED_BACKING();
	assert_int_equal(rig_fill(&backed, 0), MOVER_DONE);
	backed.memory[0] = 5;
	assert_int_equal(rig_evict(&backed, 0), MOVER_DONE);
	assert_int_equal(rig_fill(&backed, 0), MOVER_DONE);
	touch(backed.memory);		/* would hang */
	assert_int_equal(backed.memory[0], 6);
	assert_int_equal(backed.memory[RIG_WORDS - 1], 0);
}

static void holes_are_seen(void **state)
{
	struct mech_page p = rig_page(&backed, 3);

	NEED_BACKING();
	assert_int_equal(backed.mech->ops->present(backed.mech, &p), 0);
	assert_int_equal(backed.mech->ops->zero(backed.mech, &p), 0);
	assert_int_equal(backed.mech->ops->present(backed.mech, &p), 1);
	p.offset += PAGE;
	assert_int_equal(backed.mech->ops->present(backed.mech, &p), 0);
	p.offset -= PAGE;
	assert_int_equal(backed.mech->ops->punch(backed.mech, &p), 0);
	assert_int_equal(backed.mech->ops->present(backed.mech, &p), 0);
}

/* Recovery in the middle of a fill: what the program wrote meanwhile is newer than the slot. */
static void fill_keeps_what_is_there(void **state)
{
	struct mech_page p = rig_page(&backed, 0);

	NEED_BACKING();
	assert_int_equal(backed.mech->ops->zero(backed.mech, &p), 0);
	backed.memory[1] = 8;
	memset(backed.mover.staging, 0xee, PAGE);
	assert_int_equal(backed.mech->ops->fill(backed.mech, &p, backed.mover.staging), 0);
	assert_int_equal(backed.memory[1], 8);
	assert_int_equal(backed.memory[2], 0);
	assert_int_equal(backed.mech->ops->punch(backed.mech, &p), 0);
}

/* Base pages can be there in part: every hole, and nothing else, comes from the source. What nobody has touched may be one, too. */
static void fill_goes_around_parts(void **state)
{
	struct mech_page p = rig_page(&backed, 0);
	const uint64_t base = 4096, words = base / 8;

	NEED_BACKING();
	assert_int_equal(backed.mech->ops->zero(backed.mech, &p), 0);
	for (uint64_t i = 0; i < 512; i++)
		assert_int_equal(((volatile uint64_t *)backed.memory)[i * words], 0);
	for (uint64_t i = 0; i < 512; i += 3)
		assert_int_equal(fallocate(backed.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)(i * base), (off_t)base), 0);
	assert_int_equal(backed.mech->ops->present(backed.mech, &p), 0);
	memset(backed.mover.staging, 0xee, PAGE);
	assert_int_equal(backed.mech->ops->fill(backed.mech, &p, backed.mover.staging), 0);
	assert_int_equal(backed.mech->ops->present(backed.mech, &p), 1);
	for (uint64_t i = 0; i < 512; i++)
		assert_int_equal(backed.memory[i * words], i % 3 ? 0 : 0xeeeeeeeeeeeeeeeeULL);
	assert_int_equal(backed.mech->ops->punch(backed.mech, &p), 0);
}

static void poisoned_page_cannot_be_read(void **state)
{
	struct mech_page p = rig_page(&backed, 0);
	int ends[2], r;

	NEED_BACKING();
	r = backed.mech->ops->poison(backed.mech, &p);
	if (r == -EOPNOTSUPP)
		skip_because("UFFDIO_POISON needs kernel 6.6");
	assert_int_equal(r, 0);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], backed.memory, 8), -1);
	assert_int_equal(errno, EFAULT);
	close(ends[0]);
	close(ends[1]);
	assert_int_equal(backed.mech->ops->punch(backed.mech, &p), 0);
}

static void files_are_checked(void **state)
{
	int fd;

	NEED_BACKING();
	assert_int_equal(backed.mech->ops->check(backed.mech, backed.file, BACKED_PAGES * PAGE), 0);
	assert_int_equal(backed.mech->ops->check(backed.mech, backed.file, (BACKED_PAGES + 1) * PAGE), -EINVAL);
	fd = memfd_create("other", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, PAGE), 0);
	assert_int_equal(backed.mech->ops->check(backed.mech, fd, PAGE), -EINVAL);
	close(fd);
	if (strcmp(backed.mech->ops->name, "thp") != 0)
		assert_int_equal(ftruncate(backed.file, 0), -1);
}

static void mapped_pages_are_seen_and_zapped_ones_not(void **state)
{
	uint8_t mapped[BACKED_PAGES];
	struct image self;
	int fd;

	NEED_BACKING();
	for (unsigned int i = 0; i < 3; i++) {
		assert_int_equal(rig_fill(&backed, i), MOVER_DONE);
		touch(backed.memory + i * (uint64_t)RIG_WORDS);
	}
	assert_int_equal(madvise((char *)backed.memory + PAGE, PAGE, MADV_DONTNEED), 0);
	assert_int_equal(image_of(getpid(), &self), 0);
	assert_int_equal(pagemap_open(&self, &fd), 0);
	assert_int_equal(pagemap_mapped(fd, (uintptr_t)backed.memory, BACKED_PAGES, mapped), 0);
	close(fd);
	assert_int_equal(mapped[0], 1);
	assert_int_equal(mapped[1], 0);
	assert_int_equal(mapped[2], 1);
	assert_int_equal(mapped[3], 0);
}

/* A line of smaps, of the mapping that begins at the address. */
static long smaps(const void *at, const char *key)
{
	char line[512], begin[32];
	bool inside = false;
	long kib = -1;
	FILE *f = fopen("/proc/self/smaps", "re");

	snprintf(begin, sizeof(begin), "%lx-", (unsigned long)(uintptr_t)at);
	while (fgets(line, sizeof(line), f)) {
		if (!strncmp(line, begin, strlen(begin)))
			inside = true;
		if (inside && !strncmp(line, key, strlen(key)) && sscanf(line + strlen(key), " %ld", &kib) == 1)
			break;
	}
	fclose(f);
	return kib;
}

/* How often the kernel had no huge page for a file and took base pages, which is no fault of ours. */
static unsigned long huge_pages_missed(void)
{
	unsigned long n = 0;
	char line[128];
	FILE *f = fopen("/proc/vmstat", "re");

	while (fgets(line, sizeof(line), f) && sscanf(line, "thp_file_fallback %lu", &n) != 1)
		;
	fclose(f);
	return n;
}

static void filled_page_is_one_huge_mapping(void **state)
{
	unsigned long missed = huge_pages_missed();

	NEED_BACKING();
	assert_int_equal(rig_fill(&backed, 0), MOVER_DONE);
	touch(backed.memory);
	if (!strcmp(backed.mech->ops->name, "hugetlb")) {
		assert_int_equal(rig_evict(&backed, 0), MOVER_DONE);
		assert_int_equal(rig_fill(&backed, 0), MOVER_DONE);
		touch(backed.memory);
	}
	if (strcmp(backed.mech->ops->name, "hugetlb") && huge_pages_missed() > missed)
		skip_because("the kernel had no huge page free");
	if (!strcmp(backed.mech->ops->name, "thp"))
		assert_int_equal(smaps(backed.memory, "ShmemPmdMapped:"), 2048);
	else
		assert_int_equal(smaps(backed.memory, "Shared_Hugetlb:") + smaps(backed.memory, "Private_Hugetlb:"), 2048);
}

static int open_limited(const char *dir)
{
	char path[96];
	int fd;

	snprintf(path, sizeof(path), "%s/file", dir);
	if (mount("test", dir, "hugetlbfs", 0, "pagesize=2M,size=2M") < 0)
		return -1;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 2 * PAGE), 0);
	return fd;
}

/* A file system limited to one page stands for a pool that is dry: the kernel says EEXIST, we must not believe it. */
static void dry_pool_is_no_memory_and_not_a_page(void **state)
{
	char dir[] = "/tmp/hmmd-dry-XXXXXX";
	struct mech_page p = rig_page(&backed, 0);
	int fd;

	NEED_BACKING();
	assert_non_null(mkdtemp(dir));
	fd = open_limited(dir);
	if (fd < 0) {
		rmdir(dir);
		skip_because("hugetlbfs may not be mounted");
	}
	assert_ptr_equal(mmap(backed.memory, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_NORESERVE, fd, 0), backed.memory);
	rig_register(&backed, 2);
	p.file = fd;
	assert_int_equal(backed.mech->ops->fill(backed.mech, &p, backed.mover.staging), 0);
	p.addr += PAGE;
	p.offset += PAGE;
	assert_int_equal(backed.mech->ops->fill(backed.mech, &p, backed.mover.staging), -ENOMEM);
	assert_int_equal(backed.mech->ops->zero(backed.mech, &p), -ENOMEM);
	assert_int_equal(munmap(backed.memory, 2 * PAGE), 0);
	close(fd);
	assert_int_equal(umount2(dir, MNT_DETACH), 0);
	rmdir(dir);
}

/* What no thread touches can be put into the page table from outside; the first write there is an event. */
static void zapped_page_is_mapped_again(void **state)
{
	struct mech_page p = rig_page(&backed, 0);
	struct uffd_fault f = { 0 };
	uint8_t mapped[2];
	bool was = true;
	struct image self;
	pthread_t t;
	int fd;

	NEED_BACKING();
	assert_int_equal(image_of(getpid(), &self), 0);
	assert_int_equal(pagemap_open(&self, &fd), 0);
	assert_int_equal(rig_fill(&backed, 0), MOVER_DONE);
	backed.memory[0] = 5;
	assert_int_equal(madvise(backed.memory, PAGE, MADV_DONTNEED), 0);
	if (backed.mech->ops->map(backed.mech, &p, &was) == -EOPNOTSUPP) {
		close(fd);
		skip_because("Linux 6.4 can, this kernel cannot");
	}
	assert_false(was);
	assert_int_equal(backed.mech->ops->map(backed.mech, &p, &was), 0);	/* harmless twice */
	assert_true(was);
	assert_int_equal(pagemap_mapped(fd, p.addr, 2, mapped), 0);
	assert_int_equal(mapped[0], 1);
	p.addr += PAGE;
	p.offset += PAGE;
	assert_int_equal(backed.mech->ops->map(backed.mech, &p, &was), -EFAULT);
	assert_int_equal(backed.memory[0], 5);
	pthread_create(&t, NULL, touch, backed.memory);
	assert_true(next_fault(&f));
	assert_true(f.write_protect);
	assert_int_equal(mover_abort(&backed.mover, backed.range, backed.first), MOVER_E_ALREADY);
	pthread_join(t, NULL);
	assert_int_equal(backed.memory[0], 6);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		FOR_ALL(zapped_page_stays_protected),
		FOR_ALL(frozen_while_zapped_is_protected),
		FOR_ALL(page_that_came_back_is_not_protected),
		FOR_ALL(zapped_page_is_mapped_again),
		FOR_ALL(holes_are_seen),
		FOR_ALL(fill_keeps_what_is_there),
		FOR(thp, fill_goes_around_parts),
		FOR(small, fill_goes_around_parts),
		FOR_ALL(poisoned_page_cannot_be_read),
		FOR_ALL(files_are_checked),
		FOR_ALL(mapped_pages_are_seen_and_zapped_ones_not),
		FOR(hugetlb, filled_page_is_one_huge_mapping),
		FOR(thp, filled_page_is_one_huge_mapping),
		FOR(hugetlb, dry_pool_is_no_memory_and_not_a_page),
	};

	return cmocka_run_group_tests_name("backing", tests, NULL, NULL);
}
