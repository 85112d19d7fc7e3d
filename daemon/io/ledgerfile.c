// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client's ledger as a file (ledgerfile.h). The whole of it is mapped once, far beyond its end, so
 * that growing never moves a page word under a reader; nothing beyond the tables in use is touched. Space
 * in the file system is taken before it is used: a full state directory is an error here, and not a SIGBUS
 * at some later store. A ledger gets its name when it is one: what a killed daemon had begun is none.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/ledgerfile_own.h"

#define ARENA_SIZE ((size_t)LEDGER_MAX_TABLES * LEDGER_TABLE_SIZE)

static void set(struct ledgerfile *l, enum ledger_header word, uint64_t value)
{
	atomic_store_explicit(&l->arena[word], value, memory_order_release);
}

static uint64_t get(const struct ledgerfile *l, enum ledger_header word)
{
	return atomic_load_explicit(&l->arena[word], memory_order_acquire);
}

static struct ledgerfile *make(const char *state_dir, uint64_t client)
{
	struct ledgerfile *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->client = client;
	l->fd = l->ranges = l->pins = -1;
	l->arena = MAP_FAILED;
	l->owners = MAP_FAILED;
	snprintf(l->path, sizeof(l->path), "%s/%" PRIu64 ".ledger", state_dir, client);
	snprintf(l->new_path, sizeof(l->new_path), "%s/ledger.new", state_dir);
	snprintf(l->ranges_path, sizeof(l->ranges_path), "%s/%" PRIu64 ".ranges", state_dir, client);
	snprintf(l->pins_path, sizeof(l->pins_path), "%s/%" PRIu64 ".pins", state_dir, client);
	return l;
}

static int map(struct ledgerfile *l)
{
	l->arena = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, l->fd, 0);
	l->owners = mmap(NULL, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	return l->arena == MAP_FAILED || l->owners == MAP_FAILED ? -ENOMEM : 0;
}

/* The file is this many tables long, and the file system has promised them. */
static int extend(struct ledgerfile *l, uint32_t tables)
{
	int rc = posix_fallocate(l->fd, 0, (off_t)tables * LEDGER_TABLE_SIZE);

	if (rc)
		return -rc;
	l->tables = tables;
	return 0;
}

/* For as long as it is open. A client that has it for itself is not waited for. */
static int lock(const struct ledgerfile *l)
{
	if (flock(l->fd, LOCK_SH | LOCK_NB) == 0)
		return 0;
	return errno == EWOULDBLOCK ? LEDGERFILE_E_GIVEN_UP : -errno;
}

static struct ledger_identity identity(const struct ledgerfile *l)
{
	return (struct ledger_identity){ .client = l->client, .start = get(l, LEDGER_H_START),
					 .pid = (int32_t)get(l, LEDGER_H_PID), .uid = (uint32_t)get(l, LEDGER_H_UID) };
}

static void identify(struct ledgerfile *l, const struct ledger_identity *who)
{
	set(l, LEDGER_H_VERSION, LEDGER_VERSION);
	set(l, LEDGER_H_CLIENT, who->client);
	set(l, LEDGER_H_PID, (uint64_t)who->pid);
	set(l, LEDGER_H_START, who->start);
	set(l, LEDGER_H_UID, who->uid);
	set(l, LEDGER_H_ROOT, LEDGER_ROOT);
	set(l, LEDGER_H_TABLES, l->tables);
	set(l, LEDGER_H_MAGIC, LEDGER_MAGIC);
}

/* A name is given once. */
static int name(const struct ledgerfile *l)
{
	return renameat2(AT_FDCWD, l->new_path, AT_FDCWD, l->path, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

int ledgerfile_new(struct ledgerfile **ret, const char *state_dir, const struct ledger_identity *who)
{
	struct ledgerfile *l = make(state_dir, who->client);
	int rc = 0;

	if (!l)
		return -ENOMEM;
	unlink(l->ranges_path);
	unlink(l->pins_path);
	unlink(l->new_path);
	l->fd = open(l->new_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->fd < 0) {
		rc = -errno;
		ledgerfile_close(l);
		return rc;
	}
	rc = lock(l);
	if (!rc)
		rc = extend(l, LEDGER_FIRST_TABLES);
	if (!rc)
		rc = map(l);
	if (!rc) {
		identify(l, who);
		rc = name(l);
	}
	if (rc) {
		unlink(l->new_path);
		ledgerfile_close(l);
		return rc;
	}
	*ret = l;
	return 0;
}

/* A file that is ours, whole tables long. Tables that are linked have their memory; the others may be holes. */
static int open_existing(struct ledgerfile *l)
{
	struct stat st;
	int rc;

	l->fd = open(l->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (l->fd < 0 || fstat(l->fd, &st) < 0)
		return -errno;
	rc = lock(l);
	if (rc)
		return rc;
	if (!S_ISREG(st.st_mode) || st.st_size % LEDGER_TABLE_SIZE || st.st_size < 2 * LEDGER_TABLE_SIZE ||
	    (uint64_t)st.st_size > ARENA_SIZE)
		return -EINVAL;
	l->tables = (uint32_t)(st.st_size / LEDGER_TABLE_SIZE);
	return 0;
}

int ledgerfile_open(struct ledgerfile **ret, const char *state_dir, uint64_t client, struct ledger_identity *ret_who)
{
	struct ledgerfile *l = make(state_dir, client);
	int rc;

	if (!l)
		return -ENOMEM;
	rc = open_existing(l);
	if (rc == LEDGERFILE_E_GIVEN_UP)
		ledgerfile_remove(l);
	if (!rc)
		rc = map(l);
	if (!rc)
		rc = ledger_check(l->arena, (uint64_t)l->tables * LEDGER_TABLE_SIZE, client);
	if (!rc)
		rc = rangefile_open(l);
	if (!rc)
		rc = pinfile_open(l);
	if (rc) {
		ledgerfile_close(l);
		return rc;
	}
	/* Grown, but killed before the header said so: the new tables are zeros and in use by nobody. */
	set(l, LEDGER_H_TABLES, l->tables);
	*ret_who = identity(l);
	*ret = l;
	return 0;
}

struct ledgerfile *ledgerfile_close(struct ledgerfile *l)
{
	if (!l)
		return NULL;
	if (l->arena != MAP_FAILED)
		munmap((void *)l->arena, ARENA_SIZE);
	if (l->owners != MAP_FAILED)
		munmap(l->owners, ARENA_SIZE);
	if (l->fd >= 0)
		close(l->fd);
	if (l->ranges >= 0)
		close(l->ranges);
	if (l->pins >= 0)
		close(l->pins);
	free(l->ids);
	free(l->free_pins);
	free(l);
	return NULL;
}

void ledgerfile_remove(struct ledgerfile *l)
{
	if (l->kept)
		return;
	unlink(l->pins_path);
	unlink(l->ranges_path);
	unlink(l->path);
	l->removed = true;
}

static uint64_t whole_pages(off_t bytes)
{
	return ((uint64_t)bytes + LEDGER_TABLE_SIZE - 1) / LEDGER_TABLE_SIZE * LEDGER_TABLE_SIZE;
}

uint64_t ledgerfile_record_bytes(const struct ledgerfile *l)
{
	struct stat ranges = { 0 }, pins = { 0 };

	if (l->removed)
		return 0;
	if (l->ranges >= 0)
		(void)fstat(l->ranges, &ranges);
	if (l->pins >= 0)
		(void)fstat(l->pins, &pins);
	return whole_pages(ranges.st_size) + whole_pages(pins.st_size);
}

int ledgerfile_keep(struct ledgerfile *l)
{
	if (mmap((void *)l->arena, ARENA_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
		 l->fd, 0) == MAP_FAILED)
		return -ENOMEM;
	l->kept = true;
	return 0;
}

void *ledgerfile_arena(const struct ledgerfile *l)
{
	return (void *)l->arena;
}

void *ledgerfile_owner_arena(const struct ledgerfile *l)
{
	return l->owners;
}

uint32_t ledgerfile_tables(const struct ledgerfile *l)
{
	return l->tables;
}

int ledgerfile_grow(struct ledgerfile *l, uint32_t tables)
{
	off_t from = (off_t)l->tables * LEDGER_TABLE_SIZE;
	int rc;

	if (tables > LEDGER_MAX_TABLES - l->tables)
		return -EFBIG;
	rc = -posix_fallocate(l->fd, from, (off_t)tables * LEDGER_TABLE_SIZE);
	if (rc) {
		/* What a full file system gave of it is not kept, nor the length. */
		if (ftruncate(l->fd, from) < 0)
			return -errno;
		return rc;
	}
	l->tables += tables;
	if (!rc)
		set(l, LEDGER_H_TABLES, l->tables);
	return rc;
}

void ledgerfile_empty(struct ledgerfile *l, uint32_t table)
{
	if (!l->kept)
		fallocate(l->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)table * LEDGER_TABLE_SIZE,
			  LEDGER_TABLE_SIZE);
}

int ledgerfile_fill(struct ledgerfile *l, uint32_t table)
{
	return -posix_fallocate(l->fd, (off_t)table * LEDGER_TABLE_SIZE, LEDGER_TABLE_SIZE);
}

int ledgerfile_bury(struct ledgerfile *l, struct ledger_identity *ret_who)
{
	int fd = l->fd;

	*ret_who = identity(l);
	ledgerfile_remove(l);
	fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, (off_t)l->tables * LEDGER_TABLE_SIZE);
	flock(fd, LOCK_UN);
	l->fd = -1;
	ledgerfile_close(l);
	return fd;
}

int ledgerfile_read_only(const struct ledgerfile *l, int *ret_fd)
{
	int fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}
