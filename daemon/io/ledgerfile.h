/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of a client in the state directory: CLIENT.ledger (proto/ledger.h: the mirror page table, mapped
 * shared; grown as tables are needed, up to LEDGER_MAX_TABLES, and with holes where tables were), CLIENT.ranges (fixed records of its managed
 * ranges) and CLIENT.pins (of what is pinned of any range; made with the first pin). Together with the backing files they are all a restarted daemon needs. While it is open here the ledger
 * has a shared lock (flock(2)): its client gives its ranges up only under an exclusive one, that is, when no
 * daemon can be in the middle of something, and for good.
 */
#ifndef HMMD_IO_LEDGERFILE_H
#define HMMD_IO_LEDGERFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "proto/limits.h"

enum { LEDGER_MAX_TABLES = 16384 /* 64 MiB of address space reserved per client; covers 16 TiB of ranges */, LEDGER_FIRST_TABLES = 4 };

struct ledgerfile;
struct ledger_identity {
	uint64_t client, start;		/* start: of the client process, clock ticks since boot */
	int32_t pid;
	uint32_t uid;
};
int ledgerfile_new(struct ledgerfile **ret, const char *state_dir, const struct ledger_identity *who);
/* Of an earlier daemon. LEDGERFILE_E_GIVEN_UP: the client has, and the files are removed. -EINVAL: damaged; -EPROTONOSUPPORT: of another version; else what the file system said. */
enum { LEDGERFILE_E_GIVEN_UP = 1 };
int ledgerfile_open(struct ledgerfile **ret, const char *state_dir, uint64_t client, struct ledger_identity *ret_who);
/* Whose it is, by its header alone, whatever its version and whoever has locked it. -EINVAL: that cannot be told. */
int ledgerfile_peek(const char *state_dir, uint64_t client, struct ledger_identity *ret_who);
void ledgerfile_unlink(const char *state_dir, uint64_t client);	/* its files; whoever has the ledger open finds it empty */
struct ledgerfile *ledgerfile_close(struct ledgerfile *l);	/* the file stays */
void ledgerfile_remove(struct ledgerfile *l);			/* its files are unlinked; close follows */
/*
 * The files are gone, and what the client still has open of them is empty; it is of *ret_who. Like ledgerfile_close(),
 * but the descriptor of what was the ledger is the caller's.
 */
int ledgerfile_bury(struct ledgerfile *l, struct ledger_identity *ret_who);
int ledgerfile_keep(struct ledgerfile *l);	/* from here what is written to the arena stays in memory and the files as they are. -ENOMEM */
void *ledgerfile_arena(const struct ledgerfile *l);
void *ledgerfile_owner_arena(const struct ledgerfile *l);	/* private, same size */
uint32_t ledgerfile_tables(const struct ledgerfile *l);
int ledgerfile_grow(struct ledgerfile *l, uint32_t tables);	/* by so many; -ENOSPC: the file system is full, -EFBIG: beyond the maximum */
void ledgerfile_empty(struct ledgerfile *l, uint32_t table);	/* gives the memory of a table back: a hole, which reads as zeros */
int ledgerfile_fill(struct ledgerfile *l, uint32_t table);	/* memory for it again. -ENOSPC */
int ledgerfile_read_only(const struct ledgerfile *l, int *ret_fd);	/* a new O_RDONLY descriptor for the client */
/* Every client id that has a ledger in the directory. *ret is malloc'ed. */
int ledgerfile_list(const char *state_dir, uint64_t **ret, size_t *ret_n);

/* One record of 256 bytes in the file; id 0: free. The version, and the checksum in the last eight bytes of `reserved`, are filled in. */
enum { RANGE_RECORD_VERSION = 1 };
struct range_record {
	uint64_t id, addr, size, inode;
	uint32_t flags, backing;	/* enum Backing */
	char name[64], policy[64], prefer[32];
	uint64_t offset;		/* in the file, bytes */
	uint64_t next;			/* where the client's next window would begin when this was written; told by free ones, too */
	uint8_t home, window;		/* window: 1 in the client's one file, 0 in one of its own */
	uint8_t version, reserved[29 + 8];
};
int ledgerfile_put_range(struct ledgerfile *l, const struct range_record *r);
int ledgerfile_drop_range(struct ledgerfile *l, uint64_t id, uint64_t next);
/* What the records, of ranges and of pins, take in the state directory. */
uint64_t ledgerfile_record_bytes(const struct ledgerfile *l);
/* Where no window ever was (memfile.h), as far as the records told when they were opened: with a damaged one nowhere, HMM_LIMIT_FILE. */
uint64_t ledgerfile_next_window(const struct ledgerfile *l);
/* Calls fn for every good record, stops at its first result that is not 0 and returns that; -EINVAL at the end: some records were damaged and left out. */
int ledgerfile_each_range(struct ledgerfile *l, int (*fn)(void *userdata, const struct range_record *r), void *userdata);

/* One record of 64 bytes, the checksum is filled in. A place is never 0. */
struct pin_record {
	uint64_t range, addr, end;
	uint32_t owner, count, id, unused[5];	/* enum pin_owner; the driver's number of it */
	uint64_t checksum;
};
/* *place: of the record that it takes the place of, 0: a new one, whose place it becomes. -ENOSPC and other errors: nothing changed. */
int ledgerfile_put_pin(struct ledgerfile *l, uint32_t *place, const struct pin_record *r);
int ledgerfile_drop_pin(struct ledgerfile *l, uint32_t place);	/* harmless for place 0 */
/* Once, after the ledger was opened. As for ranges; -EINVAL at the end: some were damaged. */
int ledgerfile_each_pin(struct ledgerfile *l, int (*fn)(void *userdata, uint32_t place, const struct pin_record *r),
			void *userdata);

#endif
