// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors from and for systemd. What is stored outlives the daemon; the store overflows silently, so
 * what lies in it is counted here against $FDSTORE, which systemd sets from 254 on. Before that the unit says
 * it in $HMMD_FDSTORE; those keep the store over a crash but drop it when the service is stopped, so an orderly
 * end does not rely on it there.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "daemon/core/config.h"
#include "daemon/io/notify.h"
#include "daemon/io/notify_send.h"
#include "proto/limits.h"

enum {
	NAME_SIZE = HMM_LIMIT_TIER_NAME + 2,	/* the longest is "d" and a tier */
	RESERVE_PART = 16			/* of the store */
};

struct taken {
	char name[NAME_SIZE];
	int fd;
};
struct name {
	char text[NAME_SIZE];
};

/* Loop thread only: one process has one manager. */
static struct {
	struct taken *taken;		/* came with the start, not handed out yet: fd >= 0 */
	size_t n_taken;
	struct name *stored;
	size_t n_stored, cap_stored, limit;
	bool survives_stop;
} store;

/* Sockets come by the same way but lie in no store. */
static bool is_stored_kind(const char *name)
{
	return (name[0] == 'u' || name[0] == 'm' || name[0] == 'd') && strcmp(name, "uffd");
}

static struct name *find(const char *name)
{
	size_t i;

	for (i = 0; i < store.n_stored; i++)
		if (!strcmp(store.stored[i].text, name))
			return &store.stored[i];
	return NULL;
}

static int remember(const char *name)
{
	size_t cap = store.cap_stored ? store.cap_stored * 2 : 64;
	struct name *longer;

	if (store.n_stored == store.cap_stored) {
		longer = realloc(store.stored, cap * sizeof(*longer));
		if (!longer)
			return -ENOMEM;
		store.stored = longer;
		store.cap_stored = cap;
	}
	snprintf(store.stored[store.n_stored++].text, NAME_SIZE, "%s", name);
	return 0;
}

static void learn_limit(void)
{
	const char *text = getenv("FDSTORE");

	store.survives_stop = text != NULL;
	if (!text)
		text = getenv("HMMD_FDSTORE");
	store.limit = text ? strtoul(text, NULL, 10) : 0;
}

static int take(char **names, int n)
{
	int i, rc = 0;

	store.taken = calloc((size_t)n, sizeof(*store.taken));
	if (!store.taken)
		return -ENOMEM;
	for (i = 0; i < n && !rc; i++) {
		struct taken *t = &store.taken[store.n_taken++];

		t->fd = SD_LISTEN_FDS_START + i;
		snprintf(t->name, sizeof(t->name), "%s", names && names[i] ? names[i] : "");
		if (is_stored_kind(t->name) && !find(t->name))
			rc = remember(t->name);
	}
	return rc;
}

int notify_take_fds(void)
{
	char **names = NULL, **name;
	int n, rc;

	learn_limit();
	n = sd_listen_fds_with_names(0, &names);
	rc = n > 0 ? take(names, n) : n;
	for (name = names; name && *name; name++)
		free(*name);
	free(names);
	return rc < 0 ? rc : 0;
}

int notify_fd(const char *name)
{
	size_t i;
	int fd;

	for (i = 0; i < store.n_taken; i++)
		if (store.taken[i].fd >= 0 && !strcmp(store.taken[i].name, name)) {
			fd = store.taken[i].fd;
			store.taken[i].fd = -1;
			return fd;
		}
	return -1;
}

void notify_close_rest(bool keep)
{
	size_t i;

	for (i = 0; i < store.n_taken; i++) {
		struct taken *t = &store.taken[i];

		if (t->fd < 0)
			continue;
		if (is_stored_kind(t->name) && !keep)
			notify_forget(t->name);
		close(t->fd);
	}
	free(store.taken);
	store.taken = NULL;
	store.n_taken = 0;
}

bool notify_has_store(void)
{
	return store.limit > 0;
}

bool notify_survives_stop(void)
{
	return notify_has_store() && store.survives_stop;
}

bool notify_stored(const char *name)
{
	return notify_has_store() && find(name);
}

/* One name, one descriptor: a name that is there is the same file, come back by another way. */
int notify_store(const char *name, int fd)
{
	char text[NAME_SIZE + 64];
	int rc;

	if (!notify_has_store() || find(name))
		return 0;
	if (store.n_stored >= store.limit)
		return NOTIFY_E_FULL;
	rc = remember(name);
	if (rc < 0)
		return rc;
	snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s\nFDPOLL=0", name);
	rc = notify_send(text, fd);
	if (rc < 0)
		notify_forget(name);
	return rc;
}

/* What hmmd itself has to store, it has stored before a client is served; at a reload it may be more. */
bool notify_has_place(uint32_t uid)
{
	size_t kept = uid == 0 || uid == geteuid() ? 0 : store.limit / RESERVE_PART;

	return !notify_has_store() || store.n_stored + kept < store.limit;
}

uint32_t notify_store_size(void)
{
	return store.limit < UINT32_MAX ? (uint32_t)store.limit : UINT32_MAX;
}

void notify_forget(const char *name)
{
	struct name *n = find(name);
	char text[NAME_SIZE + 64];

	if (!n)
		return;
	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	notify_send(text, -1);
	*n = store.stored[--store.n_stored];
}

void notify_end(void)
{
	free(store.stored);
	store.stored = NULL;
	store.n_stored = store.cap_stored = 0;
}

/* Three quarters: two descriptors each of a thousand clients, and nobody takes all. */
void fdstore_shares(struct config *c)
{
	uint32_t size = notify_store_size(), share = size ? size - size / 4 : UINT32_MAX, i;

	if (c->default_quota.stored == CONFIG_AUTO32)
		c->default_quota.stored = share;
	for (i = 0; i < c->n_quotas; i++)
		if (c->quotas[i].stored == CONFIG_AUTO32)
			c->quotas[i].stored = share;
}
