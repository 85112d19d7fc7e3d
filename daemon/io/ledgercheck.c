// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A ledger of an earlier daemon is data from a file. Every link is looked at once before anything walks
 * it: an index outside the file would be a SIGBUS, a table linked twice two ranges that share their words.
 * Page words are not judged here; that takes the tiers (resume_page.c).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/io/ledgerfile_own.h"

enum { FIRST_LINKED = LEDGER_ROOT + 1 };

static uint64_t word(const radix_word *arena, uint64_t table, unsigned int index)
{
	return atomic_load_explicit(&arena[table * LEDGER_FANOUT + index], memory_order_relaxed);
}

/* Marks what the links of one table lead to; false: out of the file, or there already. */
static bool mark_links(const radix_word *arena, uint64_t table, uint64_t tables, uint8_t *seen)
{
	unsigned int i;

	for (i = 0; i < LEDGER_FANOUT; i++) {
		uint64_t link = word(arena, table, i);

		if (!link)
			continue;
		if (link < FIRST_LINKED || link >= tables || seen[link])
			return false;
		seen[link] = 1;
	}
	return true;
}

/* Root, then each directory below it; the leaves hold page words. */
static int check_links(const radix_word *arena, uint64_t tables)
{
	uint8_t *seen = calloc(tables, 1);
	unsigned int i;
	bool good;

	if (!seen)
		return -ENOMEM;
	good = mark_links(arena, LEDGER_ROOT, tables, seen);
	for (i = 0; good && i < LEDGER_FANOUT; i++)
		if (word(arena, LEDGER_ROOT, i))
			good = mark_links(arena, word(arena, LEDGER_ROOT, i), tables, seen);
	free(seen);
	return good ? 0 : -EINVAL;
}

int ledger_check(const radix_word *arena, uint64_t size, uint64_t client)
{
	uint64_t in_file = size / LEDGER_TABLE_SIZE;

	if (word(arena, 0, LEDGER_H_MAGIC) != LEDGER_MAGIC)
		return -EINVAL;
	if (word(arena, 0, LEDGER_H_VERSION) != LEDGER_VERSION)
		return -EPROTONOSUPPORT;
	if (word(arena, 0, LEDGER_H_CLIENT) != client || word(arena, 0, LEDGER_H_ROOT) != LEDGER_ROOT ||
	    word(arena, 0, LEDGER_H_PID) > INT32_MAX || !word(arena, 0, LEDGER_H_PID) || !word(arena, 0, LEDGER_H_START) ||
	    word(arena, 0, LEDGER_H_UID) > UINT32_MAX || word(arena, 0, LEDGER_H_TABLES) > in_file)
		return -EINVAL;
	return check_links(arena, in_file);
}

static void path_of(char *buf, const char *state_dir, uint64_t client, const char *kind)
{
	snprintf(buf, LEDGER_PATH, "%s/%" PRIu64 ".%s", state_dir, client, kind);
}

int ledgerfile_peek(const char *state_dir, uint64_t client, struct ledger_identity *ret_who)
{
	uint64_t words[LEDGER_H_TABLES];
	char path[LEDGER_PATH];
	ssize_t n;
	int fd;

	path_of(path, state_dir, client, "ledger");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	n = pread(fd, words, sizeof(words), 0);
	close(fd);
	if (n != (ssize_t)sizeof(words) || words[LEDGER_H_MAGIC] != LEDGER_MAGIC || words[LEDGER_H_CLIENT] != client ||
	    !words[LEDGER_H_PID] || words[LEDGER_H_PID] > INT32_MAX || !words[LEDGER_H_START] ||
	    words[LEDGER_H_UID] > UINT32_MAX)
		return -EINVAL;
	*ret_who = (struct ledger_identity){ .client = client, .start = words[LEDGER_H_START],
					     .pid = (int32_t)words[LEDGER_H_PID], .uid = (uint32_t)words[LEDGER_H_UID] };
	return 0;
}

void ledgerfile_unlink(const char *state_dir, uint64_t client)
{
	char path[LEDGER_PATH];
	int fd;

	path_of(path, state_dir, client, "pins");
	unlink(path);
	path_of(path, state_dir, client, "ranges");
	unlink(path);
	path_of(path, state_dir, client, "ledger");
	fd = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	unlink(path);
	if (fd < 0)
		return;
	(void)!ftruncate(fd, 0);	/* whoever has it open keeps its memory otherwise */
	close(fd);
}

/* "17.ledger" and nothing that only looks like it. */
static bool client_of(const char *name, uint64_t *ret)
{
	char whole[32];
	uint64_t client;

	if (sscanf(name, "%" SCNu64 ".ledger", &client) != 1 || !client)
		return false;
	snprintf(whole, sizeof(whole), "%" PRIu64 ".ledger", client);
	if (strcmp(whole, name))
		return false;
	*ret = client;
	return true;
}

static int append(uint64_t **list, size_t *n, uint64_t client)
{
	uint64_t *longer = realloc(*list, (*n + 1) * sizeof(*longer));

	if (!longer)
		return -ENOMEM;
	longer[(*n)++] = client;
	*list = longer;
	return 0;
}

int ledgerfile_list(const char *state_dir, uint64_t **ret, size_t *ret_n)
{
	DIR *dir = opendir(state_dir);
	uint64_t *list = NULL, client;
	struct dirent *entry;
	size_t n = 0;
	int rc = 0;

	if (!dir)
		return -errno;
	while (!rc && (entry = readdir(dir)))
		if (client_of(entry->d_name, &client))
			rc = append(&list, &n, client);
	closedir(dir);
	if (rc) {
		free(list);
		return rc;
	}
	*ret = list;
	*ret_n = n;
	return 0;
}
