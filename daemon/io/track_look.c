// SPDX-License-Identifier: GPL-2.0-or-later
/* Which pages of a sample are mapped (track_look.h). All but making one runs on a thread of the client's user. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "daemon/core/space.h"
#include "daemon/io/track_look.h"
#include "daemon/mech/doors.h"

static int scan_pagemap(int fd, struct track_look *look)
{
	uint32_t i, at = 0;
	int rc = 0;

	for (i = 0; i < look->n && !rc; i++) {
		rc = pagemap_mapped(fd, look->spans[i].addr, look->spans[i].pages, look->mapped + at);
		at += (uint32_t)look->spans[i].pages;
	}
	return rc;
}

static int map_page(struct track_look *look, uint64_t addr, bool *ret_was)
{
	struct mech_page page = { .uffd = look->uffd, .file = -1, .addr = addr };

	return look->mech->ops->map(look->mech, &page, ret_was);
}

/* The page map of another user's process cannot be opened; but who maps the pages again learns which were mapped. */
static int scan_by_mapping(struct track_look *look)
{
	uint32_t i, at = 0;
	uint64_t k;
	int rc = 0;

	for (i = 0; i < look->n; i++)
		for (k = 0; k < look->spans[i].pages && (!rc || rc == -EFAULT); k++) {
			bool was = false;

			rc = map_page(look, look->spans[i].addr + (k << LEDGER_PAGE_SHIFT), &was);
			look->mapped[at++] = was;
		}
	return rc == -EFAULT ? 0 : rc;
}

/* Opening it waits for the process too, while that calls execve(2). */
static void run(struct errand *e)
{
	struct track_look *look = track_look_of(e);
	int fd;

	look->rc = pagemap_open(&look->of, &fd);
	if (!look->rc) {
		look->rc = scan_pagemap(fd, look);
		close(fd);
	} else if (look->mech->ops->huge) {
		look->rc = scan_by_mapping(look);
	}
	close(look->uffd);
	look->uffd = -1;
}

struct track_look *track_look_of(struct errand *e)
{
	return container_of(e, struct track_look, errand);
}

bool track_look_maps(const struct daemon *d)
{
	return d->mech->ops->huge;
}

struct track_look *track_look_new(struct daemon *d, struct space *s, const struct track_sample *sample)
{
	struct track_look *look = calloc(1, sizeof(*look));
	uint32_t i;

	if (!look)
		return NULL;
	*look = (struct track_look){ .errand = { .run = run }, .daemon = d, .mech = d->mech, .of = space_image(s), .space = s,
				     .n = sample->n, .uffd = -1 };
	look->uffd = fcntl(s->uffd, F_DUPFD_CLOEXEC, 0);
	if (look->uffd < 0)
		return track_look_free(look);
	for (i = 0; i < sample->n; i++) {
		look->spans[i].addr = sample->spans[i].vpn << LEDGER_PAGE_SHIFT;
		look->spans[i].pages = sample->spans[i].pages;
	}
	return look;
}

struct track_look *track_look_free(struct track_look *look)
{
	if (look && look->uffd >= 0)
		close(look->uffd);
	free(look);
	return NULL;
}
