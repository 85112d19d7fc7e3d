/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A private hmmd for one test: its own directory, configuration, socket and state, nothing of the
 * machine's. Opening it waits until it answers; closing it sends SIGTERM, wants exit status 0, and
 * looks for what was left behind (files, mounts, descriptors in the service manager, the huge-page setting).
 */
#ifndef HMMD_TESTS_SUPPORT_HOUSE_H
#define HMMD_TESTS_SUPPORT_HOUSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <hmmclient.h>

struct manager;

enum { HOUSE_PATH = 128, HOUSE_ARGS = 8 };

struct house_options {
	const char *program;		/* NULL: $HMMD */
	const char *backing;		/* "hugetlb", "thp", "small"; NULL: hugetlb where it works, else small */
	const char *daemon;		/* more lines of [daemon], or NULL */
	const char *config;		/* all other sections; NULL: HOUSE_TIERS */
	const char *args[HOUSE_ARGS];	/* more arguments */
	bool managed;			/* run under the stand-in for systemd (tests/support/manager.h) */
	bool forget;			/* the stand-in has no fd store */
	size_t store;			/* places in it; 0: many */
	bool old;			/* it does not say how large its store is (systemd before 254) */
	uid_t uid;			/* run as this user; 0: as we are */
	const char *group;		/* cgroup.procs of the control group to run in, or NULL */
};

/* 32 MiB of fast memory, 256 MiB on a memory device. */
#define HOUSE_TIERS \
	"[tier dram]\nkind = numa\nnodes = 0\ncapacity = 32M\n" \
	"[tier far]\nkind = memory\ncapacity = 256M\n"

/* The same, with nothing that moves or asks by itself: for tests that count. */
#define HOUSE_QUIET HOUSE_TIERS "[policy default]\nengine = static\ntrack = no\n"

struct house {
	struct house_options options;
	char dir[HOUSE_PATH], socket[HOUSE_PATH], state[HOUSE_PATH], config[HOUSE_PATH], log[HOUSE_PATH];
	char backing[16];
	pid_t pid;			/* -1: not running */
	struct manager *manager;	/* NULL: alone */
	uint64_t overcommit;		/* the machine's setting before */
	bool others;			/* other daemons ran when it was read */
	struct house *next;		/* of those that a failed test leaves standing */
};

/* NULL when this backing can be had here, else what is missing. */
const char *house_backing_missing(const char *backing);

struct house *house_open(const struct house_options *o);	/* NULL options: all defaults */
void house_close(struct house *h);

/* The steps, for tests that look at them one by one. */
struct house *house_prepare(const struct house_options *o);	/* directory and configuration only */
void house_write_config(struct house *h, const char *sections);
void house_start(struct house *h);	/* and waits until it answers */
bool house_try(struct house *h);	/* the same; false when it refuses to start, with an exit status that is not 0 */
int house_stop(struct house *h);	/* SIGTERM; the wait status */
void house_kill(struct house *h);	/* SIGKILL */
int house_wait(struct house *h);	/* the wait status */
bool house_alive(const struct house *h);
void house_remove(struct house *h);	/* of a daemon that is gone */
void house_show_log(const struct house *h);

/* Runs the daemon with its arguments and these to the end, output into the log; the wait status. */
int house_run(struct house *h, const char *const *args);
/* The log so far contains the text. */
bool house_logged(const struct house *h, const char *text);

struct hmm_client *house_client(const struct house *h, const char *name, uint32_t flags);

/* Descriptors of a process; -1 when it is gone. */
int count_descriptors(pid_t pid);
/* The same, once it has not changed for a tenth of a second: connections that ended before are then closed. */
int count_descriptors_at_rest(pid_t pid);
/* utime + stime of a process in microseconds. */
uint64_t count_cpu_us(pid_t pid);
/* Private memory of a process in KiB (Pss_Anon and the like are noise: Private_Dirty + Private_Clean). */
uint64_t count_private_kib(pid_t pid);
/* A line of /proc/meminfo. */
uint64_t count_meminfo(const char *key);
/* Processes whose name begins so. */
int count_processes(const char *name);
/* Files in a directory whose names end like that; 0 when there is none. */
int count_files(const char *dir, const char *suffix);

#endif
