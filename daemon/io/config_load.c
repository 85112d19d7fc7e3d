// SPDX-License-Identifier: GPL-2.0-or-later
/* The files of a configuration: the main one, then FILE.d/<any>.conf in the order of their names.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io/config_key.h"

enum { FAULT_THREADS_MOST = 4 };	/* chosen without being told */

static const char system_path[] = "/etc/hmmd/hmmd.conf";

static int read_all(int fd, char *buf, size_t cap, size_t *ret_size)
{
	size_t size = 0;
	ssize_t n;

	while (size < cap) {
		n = read(fd, buf + size, cap - size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
	}
	*ret_size = size;
	return size == cap ? -EFBIG : 0;
}

static int read_file(const char *path, char *buf, size_t cap, size_t *ret_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), r;

	if (fd < 0)
		return -errno;
	r = read_all(fd, buf, cap, ret_size);
	close(fd);
	return r;
}

/* 0; 1: there is no such file; -EINVAL (told), -ENOMEM. */
static int parse_file(struct config_parser *p, const char *path)
{
	char *buf = malloc(CONFIG_FILE_SIZE);
	size_t size = 0;
	int r;

	if (!buf)
		return -ENOMEM;
	r = read_file(path, buf, CONFIG_FILE_SIZE, &size);
	if (r == 0) {
		r = config_parse(p, path, buf, size);
	} else if (r == -ENOENT) {
		r = 1;
	} else {
		config_lines_addf(&p->report->errors, path, 0, "%s", strerror(-r));
		r = -EINVAL;
	}
	free(buf);
	return r;
}

static int is_conf(const struct dirent *e)
{
	size_t n = strlen(e->d_name);

	return n > 5 && e->d_name[0] != '.' && strcmp(e->d_name + n - 5, ".conf") == 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* Goes on after a file that is wrong. */
static int drop_ins(struct config_parser *p, const char *path, unsigned int *ret_n)
{
	char dir[CONFIG_PATH], file[2 * CONFIG_PATH];
	struct dirent **entries;
	int n, r = 0, one;

	*ret_n = 0;
	snprintf(dir, sizeof(dir), "%.*s.d", CONFIG_PATH - 3, path);
	n = scandir(dir, &entries, is_conf, by_name);
	if (n < 0 && errno == ENOENT)
		return 0;
	if (n < 0) {
		config_lines_addf(&p->report->errors, dir, 0, "%s", strerror(errno));
		return -EINVAL;
	}
	*ret_n = (unsigned int)n;
	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%.255s", dir, entries[i]->d_name);
		free(entries[i]);
		one = r == -ENOMEM ? r : parse_file(p, file);
		r = one < 0 ? one : r;
	}
	free(entries);
	return r;
}

static const char *default_path(bool rootless, char *buf, size_t size)
{
	const char *dir = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (!rootless)
		return system_path;
	if (dir && dir[0] == '/')
		snprintf(buf, size, "%s/hmmd/hmmd.conf", dir);
	else
		snprintf(buf, size, "%s/.config/hmmd/hmmd.conf", home ? home : "");
	return buf;
}

/* 0, -EINVAL: files are wrong (reported), -ENOMEM. */
static int load_files(struct config_parser *p, const char *path, bool must, char *ret_origin,
		      size_t size)
{
	unsigned int n;
	int r = parse_file(p, path), r2;

	if (r == 1 && must) {
		config_lines_addf(&p->report->errors, path, 0, "there is no such file");
		return -EINVAL;
	}
	r2 = r == -ENOMEM ? r : drop_ins(p, path, &n);
	if (r < 0 || r2)
		return r2 ? r2 : r;
	if (r == 1 && n == 0)
		snprintf(ret_origin, size, "built-in defaults (there is no %.100s)", path);
	else
		snprintf(ret_origin, size, "%.200s and %u drop-in%s", path, n, n == 1 ? "" : "s");
	return 0;
}

/* A section that could not be read may have had what is missed here. */
static void tell(void *userdata, const struct config_place *place, const char *text)
{
	struct config_parser *p = userdata;

	if (!p->sections_lost || place->part == CONFIG_DAEMON || place->part == CONFIG_TIER)
		config_fail_at(p, place, "%s", text);
}

/* What only the whole shows, also of files that were wrong in places. */
static void finish(struct config_parser *p, const char *path)
{
	p->file = path;
	config_parse_end(p);
	config_check_machine(p);
	config_check_all(p->config, tell, p);
}

/*
 * A waiting thread is woken for a fault that the one awake is about to take. Where that costs the faulting
 * program its CPU it does harm: on two CPUs fills ran at 0.53 of memcpy with one thread and at 0.45 with two.
 */
static uint32_t fault_threads_here(void)
{
	long half = sysconf(_SC_NPROCESSORS_ONLN) / 2;

	return half < 1 ? 1 : half > FAULT_THREADS_MOST ? FAULT_THREADS_MOST : (uint32_t)half;
}

int config_load(struct config *ret, const char *path, bool rootless, char *ret_origin,
		size_t origin_size, struct config_report *ret_report)
{
	struct config *c = malloc(sizeof(*c));
	const char *file;
	struct config_parser p;
	char buf[CONFIG_PATH];
	int r;

	if (!c)
		return -ENOMEM;
	config_defaults(c);
	c->fault_threads = fault_threads_here();
	config_parser_init(&p, c, ret_report);
	file = path ? path : default_path(rootless, buf, sizeof(buf));
	r = load_files(&p, file, path != NULL, ret_origin, origin_size);
	if (r != -ENOMEM) {
		finish(&p, file);
		r = ret_report->errors.n ? -EINVAL : 0;
	}
	if (!r)
		*ret = *c;
	config_parser_done(&p);
	free(c);
	return r;
}
