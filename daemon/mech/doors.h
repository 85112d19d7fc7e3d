/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The smaller doors, each with its own file: huge-page pool, userfaultfd messages, page scan, NUMA,
 * the peer process, the tmpfs mount, what this machine can do.
 */
#ifndef HMMD_MECH_DOORS_H
#define HMMD_MECH_DOORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/image.h"

struct gate;

/* gate.c: who may read a client's userfaultfd (proto/gate.h). -EMFILE, -ENFILE, -ENOMEM. */
int gate_new(struct gate **ret, int *ret_fd);	/* the descriptor is the caller's */
struct gate *gate_free(struct gate *g);

/* uffd.c */
struct uffd_fault {
	uint64_t addr;		/* aligned to the huge page */
	bool write_protect, write;
};
enum { UFFD_E_OTHER = 1 /* not a userfaultfd */, UFFD_E_BLOCKING = 2, UFFD_E_SHUT = 3 /* its library acts */ };
/* True when the address space behind it is gone: its process has ended or called execve(2). */
bool uffd_gone(int fd);
/* False when the huge page at addr is not registered with it any more, so that nothing can be put there. Changes nothing. */
bool uffd_covers(int fd, uint64_t addr);
int uffd_check(int fd);	/* 0, UFFD_E_*, -errno: is it a userfaultfd, non-blocking? Reads /proc/self/fd. */
/*
 * Up to `cap` (at most 64) fault messages in one read. 0 with *ret_n = 0: no fault is there. -ESRCH: the client is gone.
 * Who unmaps memory goes on when that was read. UFFD_E_SHUT: the gate (NULL: none) was shut for longer than 50 us.
 */
int uffd_read(int fd, struct gate *gate, struct uffd_fault *faults, size_t cap, size_t *ret_n);
/*
 * All there is, for who waits until it is read; who has faulted faults again. Bounded; nothing where a read could put
 * the thread to sleep (before Linux 6.10): there the fault threads do it, in their turn.
 */
void uffd_read_all(int fd, struct gate *gate);
/* The /dev/userfaultfd descriptor to hand to clients; -EACCES, -ENOENT. */
int uffd_open_device(int *ret_fd);
/* One of our own memory, for faults from user mode; by the device where userfaultfd(2) is denied, whose error it gives. */
int uffd_own(int *ret_fd);

/* hugepool.c (libhugetlbfs finds sizes and pools). Any thread. */
struct hugepool;	/* our part of the machine's overcommit of huge pages, on record so that it is given back after a crash too */
#define HUGEPOOL_RECORD "/run/hmmd-hugepages"	/* of all daemons of the machine */
#define HUGEPOOL_HEADROOM (128ULL << 20)	/* bytes; other processes can take twice as much: it is made good once */
/*
 * Gives back what daemons have added that are no more, and adds the headroom; never more than `ceiling` bytes in
 * all. One in a process. -EACCES, -EROFS: may not; -EOPNOTSUPP: no 2 MiB pages; -EPROTONOSUPPORT: the record is
 * of another version; -EBUSY: somebody holds it, or too many have a part.
 */
int hugepool_new(struct hugepool **ret, const char *record, uint64_t ceiling, uint64_t headroom);
void hugepool_set_ceiling(struct hugepool *h, uint64_t bytes);	/* from the next time on */
/* Raises or lowers our part to the headroom above `used` bytes. What cannot be done now is done the next time. */
void hugepool_follow(struct hugepool *h, uint64_t used);
/* A page was refused: follows at once. True: there may be more now, since *seen, which is the caller's (0 at first). */
bool hugepool_more(struct hugepool *h, uint64_t used, uint64_t *seen);
const char *hugepool_trouble(int r);	/* what one of these errors means here */
struct hugepool *hugepool_free(struct hugepool *h);	/* gives all of it back */
/* What daemons have added that are no more is given back. 0, also when there is no record; -errno as above. */
int hugepool_give_back(const char *record);

/* thpmount.c: a private tmpfs with huge=always for MECH_SHM_THP. */
int thpmount_make(const char *dir);
void thpmount_remove(const char *dir);

/* pagemap.c */
int pagemap_open(const struct image *of, int *ret_fd);	/* as image_open() (image.h) */
/* One byte per huge page of [addr, addr + pages * 2 MiB): 1 when mapped in the process. PAGEMAP_SCAN, else plain reads. */
int pagemap_mapped(int fd, uint64_t addr, uint64_t pages, uint8_t *ret_mapped);
/* How much of [addr, end) lies in swap, or on a device that the kernel knows. */
int pagemap_swapped(int fd, uint64_t addr, uint64_t end, uint64_t *ret_bytes);

/* numa.c (libnuma) */
struct numa_map;	/* tier index to nodes */
int numa_map_new(struct numa_map **ret);
struct numa_map *numa_map_free(struct numa_map *m);
int numa_map_set(struct numa_map *m, unsigned int tier, uint64_t nodes);
int numa_nodes(uint64_t *ret_mask);				/* nodes with memory */
int numa_node_bytes(unsigned int node, uint64_t *ret_total, uint64_t *ret_free);
int numa_access(unsigned int node, uint64_t *ret_bandwidth, uint64_t *ret_latency_ns);	/* HMAT through sysfs; zeros when unknown */
int numa_map_bind(struct numa_map *m, unsigned int tier);	/* this thread's new pages come from there */
/* Bytes; no_room is a part of failed, and so is absent: there is no page, or it is in swap. */
struct numa_moved { uint64_t moved, already, busy, failed, no_room, absent; };
/* One address per page of page_size; batches sized by measured time (about 5 ms each). Errors as image_move_pages() has them (image.h). */
int numa_move(struct numa_map *m, const struct image *of, const uint64_t *addrs, size_t n, uint64_t page_size, unsigned int tier, struct numa_moved *ret);
/*
 * The same for n aligned pieces of 2 MiB that are mapped in whatever way: one address is asked for where the whole
 * piece proves to be one page, all its base pages elsewhere.
 */
int numa_move_huge(struct numa_map *m, const struct image *of, const uint64_t *addrs, size_t n, unsigned int tier, struct numa_moved *ret);

bool numa_balancing(void);	/* the kernel moves pages to the nodes of those who touch them */
bool numa_demotion(void);	/* it moves what it reclaims to slower nodes */
/* The tier of the base page at each address, NUMA_NO_TIER: there is none, or it is on no tier's node. Errors as image_move_pages(). */
enum { NUMA_NO_TIER = 0xff };
int numa_where(const struct numa_map *m, const struct image *of, const uint64_t *addrs, size_t n, uint8_t *ret_tiers);
bool numa_on_tier(const struct numa_map *m, unsigned int tier, int node);	/* node: negative for a page that is nowhere */
/*
 * numa_leave.c: of [addr, end) what lies on the nodes of tier `from` goes to `tier`; all else, and what was never
 * touched, counts as already there. Multiples of the base page.
 */
int numa_leave(struct numa_map *m, const struct image *of, uint64_t addr, uint64_t end, unsigned int from, unsigned int tier,
	       struct numa_moved *ret);

/* peer.c */
enum { PEER_E_OUTSIDE = 1 /* in no pid namespace that we see */ };
enum { PEER_PROGRAM = 15 * 4 + 1 };	/* every byte of a name may be escaped */
struct peer {
	pid_t pid;
	uid_t uid;
	gid_t gid;
	int pidfd;		/* readable when the process ends */
	uint64_t start;		/* start time, clock ticks since boot */
	struct image image;	/* the address space that said Hello (image.h) */
	char program[PEER_PROGRAM], unit[64];	/* comm; systemd unit from the cgroup, or ""; both as text_escape() shows them */
};
/* A file of /proc/PID, cut to size, with a 0 at its end. -ESRCH: no such process. */
int proc_read(pid_t pid, const char *name, char *text, size_t size);
int peer_get(int socket, struct peer *ret);	/* 0, PEER_E_OUTSIDE, -errno: SO_PEERCRED, SO_PEERPIDFD or pidfd_open and a second look at the start time */
void peer_done(struct peer *p);
int peer_in_group(const struct peer *p, gid_t group);	/* 1, 0, -errno: its primary or a supplementary group */

/* capability.c: what hmmctl doctor prints. */
enum doctor_state { DOCTOR_OK, DOCTOR_DEGRADED, DOCTOR_MISSING };
struct doctor_line {
	const char *check;
	enum doctor_state state;
	char text[160], remedy[640];
};
size_t doctor_examine(struct doctor_line *lines, size_t cap);

#endif
