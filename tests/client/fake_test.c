// SPDX-License-Identifier: GPL-2.0-or-later
/* What every client test needs beside the fake: counting, events, set-up and tear-down. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/client/fake.h"

static size_t count_entries(const char *path)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	size_t n = 0;

	assert_non_null(dir);
	while ((entry = readdir(dir)))
		n += entry->d_name[0] != '.';
	closedir(dir);
	return n;
}

size_t count_fds(void)
{
	return count_entries("/proc/self/fd");
}

size_t count_threads(void)
{
	return count_entries("/proc/self/task");
}

struct hmm_client *fake_client(struct fake *f, uint32_t flags)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;

	o.socket_path = f->path;
	o.name = "test";
	o.flags = flags;
	assert_int_equal(hmm_client_new(&c, &o), 0);
	assert_non_null(c);
	return c;
}

void see(struct hmm_client *c, const struct hmm_event *event, void *userdata)
{
	struct seen *s = userdata;
	struct seen_event *last = &s->last[event->type];

	(void)c;
	pthread_mutex_lock(&s->lock);
	s->count[event->type]++;
	last->offset = event->offset;
	last->length = event->length;
	last->value = event->value;
	last->range = event->range;
	snprintf(last->tier, sizeof(last->tier), "%s", event->tier ? event->tier : "");
	snprintf(last->text, sizeof(last->text), "%s", event->text ? event->text : "");
	last->thread = pthread_self();
	pthread_mutex_unlock(&s->lock);
}

unsigned int seen_count(struct seen *s, enum hmm_event_type type)
{
	unsigned int n;

	pthread_mutex_lock(&s->lock);
	n = s->count[type];
	pthread_mutex_unlock(&s->lock);
	return n;
}

static size_t fds_before, threads_with_fake;

int fake_set_up(void **state)
{
	fds_before = count_fds();
	*state = fake_start();
	if (!threads_with_fake)
		threads_with_fake = count_threads();
	/* The kernel lists a thread for a moment after it was joined: none of an earlier test is counted by this one. */
	assert_soon(count_threads() == threads_with_fake);
	return 0;
}

int fake_tear_down(void **state)
{
	fake_stop(*state);
	assert_int_equal(count_fds(), fds_before);
	return 0;
}

void *memory_at(uintptr_t addr, size_t size)
{
	void *there = mmap((void *)addr, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0);

	assert_ptr_equal(there, (void *)addr);
	return there;
}

void need_userfaultfd(void)
{
	int fd = (int)syscall(SYS_userfaultfd, 1 /* UFFD_USER_MODE_ONLY */);

	if (fd < 0)
		skip_because("userfaultfd(2) is not to be had here");
	close(fd);
}
