/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon as one object: what main.c builds in order and takes down in the mirror order. Everything
 * here belongs to the loop thread. Files of io include the header of the noun they use; only those that
 * tie nouns together include this one.
 */
#ifndef HMMD_IO_DAEMON_H
#define HMMD_IO_DAEMON_H

#include <uv.h>
#include "daemon/core/world.h"
#include "daemon/io/survivors.h"
#include "daemon/mech/doors.h"
#include "daemon/mech/mover.h"

struct blocks;
struct crew;
struct errands;
struct hugepages;
struct keeper;
struct porters;
struct server;
struct options;
struct retire;
struct rates;
struct schedule;
struct signals;
struct track;

/* Why the kernel gives less of a tier than was configured, for people. */
struct short_of {
	char text[160], remedy[640];	/* text "": it gives all */
};

struct daemon {
	const struct options *options;
	uv_loop_t *loop;
	struct config *config;
	struct world *world;
	struct mech *mech;				/* backing of managed ranges */
	struct survivors survivors;			/* as found at the start */
	uint32_t backing;				/* enum Backing of the protocol */
	char backing_reason[160];			/* why this one, for doctor and status */
	struct mover_device devices[HMM_LIMIT_TIERS];	/* by tier index */
	struct numa_map *numa;
	struct driver *driver;				/* the kernel driver's door, open when a tier is of its kind */
	struct list_node watched_spaces;		/* struct space_driver: clients that have sent their descriptor */
	struct keeper *keeper;				/* NULL: the service manager keeps descriptors, or nobody does */
	struct hugepages *hugepages;			/* NULL: managed memory has none */
	int uffd_device;				/* /dev/userfaultfd for clients, or -1 */
	struct crew *crew;
	struct errands *errands;			/* what may wait for a client */
	struct errands *counts;				/* those of blocks.c */
	struct blocks *blocks;				/* what lies in the files of managed ranges */
	struct porters *porters;
	struct server *server;
	struct schedule *schedule;			/* of schedule.c; NULL: stopped */
	struct track *track;				/* of track.c; NULL: stopped */
	size_t survey;					/* of survey.c: where it is in the map of ranges */
	struct retire *retire;				/* of retire.c; NULL: nothing is dying */
	struct list_node graves;			/* of grave.c: ledgers of clients that are gone */
	struct list_node waiting_spaces;		/* struct resume: restored, their clients not back yet */
	struct list_node unreadable;			/* of unreadable.c: ledgers that cannot be used */
	bool stopping;
	bool keep;					/* the end: nothing is undone any more in state directory, devices, fd store */
	bool left_behind;				/* the end: clients remain, and the next daemon must find their files where they are */
	int exit_status;
	uint64_t started_us;
	uint64_t first_id;				/* ids below it belong to earlier daemons */
	int lock;					/* of the state directory, or -1 */
	char config_origin[256];			/* which files were read, for people */
	char config_refused[256];			/* why the last reload was refused, "" when it was not */
	char tier_trouble[HMM_LIMIT_TIERS][160];	/* why a device could not be opened, "" else */
	struct short_of short_of[HMM_LIMIT_TIERS];	/* by tier index */
	struct rates *rates;				/* of rates.c */
	struct signals *signals;			/* of signals.c */
};

/* The configuration was loaded and belongs to the daemon from here. 0, or -errno (logged); d is for daemon_free() in both cases. */
int daemon_start(struct daemon *d, const struct options *o, struct config *config);
/* Runs until stopped; returns the exit status. */
int daemon_run(struct daemon *d);
void daemon_free(struct daemon *d);
/* The configuration is read again: all of it holds from here, or nothing does and the text says why. 0, -EINVAL, -ENOMEM. */
int daemon_reload(struct daemon *d, char *ret_text, size_t text_size);

/* Monotonic and wall clock in microseconds: one read per turn of the loop (uv_now is too coarse). */
uint64_t daemon_now_us(const struct daemon *d);
uint64_t daemon_wall_us(void);
/* daemon_event.c: event log, journal, subscribers. printf style. */
void daemon_event(struct daemon *d, enum event_severity severity, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same, about one client (its id). */
void daemon_client_event(struct daemon *d, enum event_severity severity, uint64_t client, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
