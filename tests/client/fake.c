// SPDX-License-Identifier: GPL-2.0-or-later
/* The fake's thread: a poll loop over listener, client, userfaultfd and a wake-up. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/fd.h"
#include "tests/client/fake.h"
#include "tests/client/fake_answer.h"

static void wake(struct fake *f)
{
	uint64_t one = 1;

	assert_int_equal(write(f->wake, &one, sizeof(one)), sizeof(one));
}

static void drop_connection(struct fake *f)
{
	fd_close_all(&f->conn, 1);
	fd_close_all(&f->uffd, 1);
}

/* Answers a fault with a page of the fill byte. */
static void serve_fault(struct fake *f)
{
	static uint8_t page[HUGE_PAGE];
	struct uffd_msg msg;

	while (read(f->uffd, &msg, sizeof(msg)) == (ssize_t)sizeof(msg)) {
		uint64_t addr = msg.arg.pagefault.address & ~(HUGE_PAGE - 1);
		struct uffdio_copy copy = { .dst = addr, .src = (uintptr_t)page, .len = HUGE_PAGE };
		struct uffdio_range range = { addr, HUGE_PAGE };

		if (msg.event != UFFD_EVENT_PAGEFAULT)
			continue;
		f->faults++;
		memset(page, f->fill, sizeof(page));
		if (ioctl(f->uffd, UFFDIO_COPY, &copy) < 0)
			ioctl(f->uffd, UFFDIO_WAKE, &range);
	}
}

static void receive(struct fake *f)
{
	int fds[HMM_LIMIT_FDS], r;
	size_t size, n_fds;
	struct frame frame;
	Hmmd__Message *m;

	r = fd_recv(f->conn, f->in, sizeof(f->in), fds, HMM_LIMIT_FDS, &size, &n_fds);
	if (r == -EAGAIN)
		return;
	if (r) {
		drop_connection(f);
		return;
	}
	if (frame_cut(f->in, size, &frame) || frame_unpack(&frame, &f->arena, &m)) {
		drop_connection(f);
	} else {
		f->count[m->kind_case]++;
		if (!f->script || !f->script(f, frame.id, m, fds, n_fds))
			fake_answer(f, frame.id, m, fds);
	}
	fd_close_all(fds, n_fds);
}

static void turn(struct fake *f, const struct pollfd *p)
{
	uint64_t n;

	if (p[0].revents && read(f->wake, &n, sizeof(n)) < 0)
		return;
	if (p[1].revents && f->listener == p[1].fd && f->conn < 0)
		f->conn = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	if (p[2].revents && f->conn == p[2].fd && !f->silent)
		receive(f);
	if (p[3].revents && f->uffd == p[3].fd)
		serve_fault(f);
}

static void *fake_main(void *userdata)
{
	struct fake *f = userdata;

	pthread_mutex_lock(&f->lock);
	while (!f->ending) {
		struct pollfd p[] = {
			{ .fd = f->wake, .events = POLLIN },
			{ .fd = f->conn < 0 ? f->listener : -1, .events = POLLIN },
			{ .fd = f->silent ? -1 : f->conn, .events = POLLIN },
			{ .fd = f->uffd, .events = POLLIN },
		};

		pthread_mutex_unlock(&f->lock);
		poll(p, sizeof(p) / sizeof(p[0]), -1);
		pthread_mutex_lock(&f->lock);
		turn(f, p);
	}
	pthread_mutex_unlock(&f->lock);
	return NULL;
}

void fake_listen(struct fake *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	pthread_mutex_lock(&f->lock);
	strcpy(address.sun_path, f->path);
	unlink(f->path);
	f->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(f->listener, 16), 0);
	wake(f);
	pthread_mutex_unlock(&f->lock);
}

struct fake *fake_start(void)
{
	struct fake *f = calloc(1, sizeof(*f));
	sigset_t all, was;

	assert_non_null(f);
	strcpy(f->dir, "/tmp/hmmclient.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof(f->path), "%s/sock", f->dir);
	f->listener = f->conn = f->uffd = f->ledger = -1;
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	f->client = 77;
	f->next_id = 100;
	f->version = 1;
	f->backing = HMMD__BACKING__BACKING_BASE;
	arena_init(&f->arena, f->decode, sizeof(f->decode));
	pthread_mutex_init(&f->lock, NULL);
	fake_listen(f);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &was);
	assert_int_equal(pthread_create(&f->thread, NULL, fake_main, f), 0);
	pthread_sigmask(SIG_SETMASK, &was, NULL);
	return f;
}

void fake_stop(struct fake *f)
{
	FAKE_SET(f, ending, true);
	wake(f);
	pthread_join(f->thread, NULL);
	drop_connection(f);
	for (size_t i = 0; i < f->n_ranges; i++)
		fd_close_all(&f->ranges[i].file, 1);
	fd_close_all(&f->listener, 1);
	fd_close_all(&f->ledger, 1);
	fd_close_all(&f->wake, 1);
	unlink(f->path);
	rmdir(f->dir);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

void fake_cut(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	drop_connection(f);
	wake(f);
	pthread_mutex_unlock(&f->lock);
}

void fake_die(struct fake *f)
{
	pthread_mutex_lock(&f->lock);
	fd_close_all(&f->listener, 1);
	unlink(f->path);
	drop_connection(f);
	wake(f);
	pthread_mutex_unlock(&f->lock);
}

void fake_set_script(struct fake *f, fake_script *script, void *data)
{
	pthread_mutex_lock(&f->lock);
	f->script = script;
	f->script_data = data;
	pthread_mutex_unlock(&f->lock);
}

unsigned int fake_count(struct fake *f, Hmmd__Message__KindCase kind)
{
	return FAKE_GET(f, count[kind]);
}

void fake_reply(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds, size_t n_fds)
{
	size_t size;

	assert_int_equal(frame_pack(id, m, f->out, sizeof(f->out), &size), 0);
	if (f->conn >= 0)
		fd_send(f->conn, f->out, size, fds, n_fds, MSG_DONTWAIT);
}

void fake_event(struct fake *f, const Hmmd__Message *m)
{
	pthread_mutex_lock(&f->lock);
	fake_reply(f, 0, m, NULL, 0);
	pthread_mutex_unlock(&f->lock);
}

void fake_bytes(struct fake *f, const void *bytes, size_t size, const int *fds, size_t n_fds)
{
	pthread_mutex_lock(&f->lock);
	if (f->conn >= 0)
		fd_send(f->conn, bytes, size, fds, n_fds, 0);
	pthread_mutex_unlock(&f->lock);
}

/* Tables: 0 header, 1 root, 2 middle, 3 leaf. */
uint64_t *fake_ledger(struct fake *f, uint64_t addr)
{
	uint64_t *words, vpn = addr >> LEDGER_PAGE_SHIFT;
	int fd = memfd_create("ledger", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 4 * LEDGER_TABLE_SIZE), 0);
	words = mmap(NULL, 4 * LEDGER_TABLE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(words, MAP_FAILED);
	words[LEDGER_H_MAGIC] = LEDGER_MAGIC;
	words[LEDGER_H_VERSION] = LEDGER_VERSION;
	words[LEDGER_H_TABLES] = 4;
	words[1 * LEDGER_FANOUT + ledger_index(vpn, 2)] = 2;
	words[2 * LEDGER_FANOUT + ledger_index(vpn, 1)] = 3;
	pthread_mutex_lock(&f->lock);
	fd_close_all(&f->ledger, 1);
	f->ledger = fd;
	f->features |= HMMD__FEATURE__FEATURE_LEDGER;
	pthread_mutex_unlock(&f->lock);
	return words + 3 * LEDGER_FANOUT;
}
