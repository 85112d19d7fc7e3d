// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The end of a house: what must not be left over is looked for, and what a failed test leaves standing is
 * taken down when the program ends.
 */
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/house_own.h"
#include "tests/support/manager.h"
#include "tests/support/test.h"

static struct house *standing;

static uint64_t number_in(const char *path)
{
	FILE *f = fopen(path, "re");
	unsigned long long n = 0;

	if (f && fscanf(f, "%llu", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

uint64_t house_overcommit(void)
{
	return number_in(HOUSE_OVERCOMMIT);
}

static void forget_standing(const struct house *h)
{
	for (struct house **at = &standing; *at; at = &(*at)->next)
		if (*at == h) {
			*at = h->next;
			return;
		}
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *where)
{
	(void)st;
	(void)flag;
	(void)where;
	return remove(path) && errno != ENOENT;
}

static bool mounted_below(const char *dir)
{
	FILE *f = fopen("/proc/self/mounts", "re");
	bool found = false;
	char line[1024];

	while (f && fgets(line, sizeof(line), f))
		found |= strstr(line, dir) != NULL;
	if (f)
		fclose(f);
	return found;
}

/* Another daemon of this machine sets, and puts back, the same value at times of its own. */
static bool others_run(const struct house *h)
{
	return h->others || count_processes("hmmd") > 0;
}

static void take_down(struct house *h)
{
	char mount[HOUSE_PATH + 8];

	forget_standing(h);
	if (h->manager)
		manager_free(h->manager);
	if (mounted_below(h->dir)) {	/* only after a kill: the next daemon would have taken it over */
		snprintf(mount, sizeof(mount), "%s/thp", h->state);
		umount2(mount, MNT_DETACH);
	}
	nftw(h->dir, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	free(h);
}

/* A daemon that was killed has not put the machine's setting back. */
void house_remove(struct house *h)
{
	static const char *const give_back[] = { "--give-back", NULL };

	if (!strcmp(h->backing, "hugetlb"))
		house_run(h, give_back);
	take_down(h);
}

void house_close(struct house *h)
{
	int status = house_stop(h);

	if (!WIFEXITED(status) || WEXITSTATUS(status))
		house_show_log(h);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(count_files(h->state, ".ledger"), 0);
	assert_int_equal(count_files(h->state, ".ranges"), 0);
	assert_false(mounted_below(h->dir));
	/* It is less when somebody's daemon had been killed before, and its part was taken away since. */
	assert_soon(house_overcommit() <= h->overcommit || others_run(h));
	if (h->manager) {
		assert_int_equal(manager_stored_named(h->manager, "u"), 0);
		assert_int_equal(manager_stored_named(h->manager, "m"), 0);
	} else {
		assert_int_equal(access(h->socket, F_OK), -1);
	}
	take_down(h);
}

/* What failed tests left: daemons end in order, so that the machine's settings are put back. */
static void tear_down_standing(void)
{
	while (standing) {
		struct house *h = standing;
		uint64_t end = clock_us() + PATIENCE_US;

		if (h->pid > 0)
			kill(h->pid, SIGTERM);
		while (house_alive(h) && clock_us() < end)
			pause_us(1000);
		if (h->pid > 0)
			house_kill(h);
		house_remove(h);
	}
}

void house_remember(struct house *h)
{
	static bool registered;

	if (!registered)
		atexit(tear_down_standing);
	registered = true;
	h->next = standing;
	standing = h;
}
