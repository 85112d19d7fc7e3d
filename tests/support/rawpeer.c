// SPDX-License-Identifier: GPL-2.0-or-later
/* The protocol by hand. What the daemon sends is checked with the shared code, as the library does it. */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/image.h"
#include "proto/validate.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"

#ifndef USERFAULTFD_IOC_NEW
#define USERFAULTFD_IOC_NEW _IO(0xAA, 0x00)
#endif

static uint64_t own_image(void)
{
	char text[IMAGE_STAT];
	uint64_t mark;
	int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n > 0);
	close(fd);
	text[n] = '\0';
	assert_int_equal(image_mark(text, &mark), 0);
	return mark;
}

struct rawpeer *rawpeer_open(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	struct rawpeer *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	p->ledger = p->uffd_device = p->gate = p->uffd = -1;
	arena_init(&p->arena, p->decode, sizeof(p->decode));
	p->image = own_image();
	p->sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_true(p->sock >= 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	assert_int_equal(connect(p->sock, (struct sockaddr *)&a, sizeof(a)), 0);
	return p;
}

void rawpeer_close(struct rawpeer *p)
{
	int own[] = { p->sock, p->ledger, p->uffd_device, p->gate, p->uffd };

	fd_close_all(p->fds, p->n_fds);
	fd_close_all(own, 5);
	free(p);
}

int rawpeer_send_bytes(struct rawpeer *p, const void *bytes, size_t size, const int *fds, size_t n_fds)
{
	return fd_send(p->sock, bytes, size, fds, n_fds, 0);
}

int rawpeer_send(struct rawpeer *p, const Hmmd__Message *m, const int *fds, size_t n_fds)
{
	size_t size = 0;

	assert_int_equal(frame_pack(++p->id, m, p->out, sizeof(p->out), &size), 0);
	return rawpeer_send_bytes(p, p->out, size, fds, n_fds);
}

Hmmd__Message *rawpeer_receive(struct rawpeer *p, int timeout_ms)
{
	struct pollfd poller = { p->sock, POLLIN, 0 };
	Hmmd__Message *m = NULL;
	struct frame f;
	struct invalid why = { 0, "" };
	size_t size = 0;

	fd_close_all(p->fds, p->n_fds);
	p->n_fds = 0;
	if (poll(&poller, 1, timeout_ms) != 1)
		return NULL;
	if (fd_recv(p->sock, p->in, sizeof(p->in), p->fds, HMM_LIMIT_FDS, &size, &p->n_fds))
		return NULL;
	assert_int_equal(frame_cut(p->in, size, &f), 0);
	assert_int_equal(frame_unpack(&f, &p->arena, &m), 0);
	if (message_validate(m, FROM_DAEMON, p->n_fds, &why))
		fail_msg("hmmd sent a bad %s: %s", message_name(m->kind_case), why.text);
	p->got_id = f.id;
	return m;
}

Hmmd__Message *rawpeer_call(struct rawpeer *p, const Hmmd__Message *m, const int *fds, size_t n_fds)
{
	Hmmd__Message *answer;

	if (rawpeer_send(p, m, fds, n_fds))
		return NULL;
	do {
		answer = rawpeer_receive(p, (int)(PATIENCE_US / 1000));
	} while (answer && p->got_id != p->id);
	return answer;
}

int rawpeer_refusal(struct rawpeer *p, const Hmmd__Message *m, const int *fds, size_t n_fds)
{
	Hmmd__Message *answer = rawpeer_call(p, m, fds, n_fds);

	if (!answer)
		return -1;
	if (answer->kind_case != HMMD__MESSAGE__KIND_ERROR)
		return 0;
	snprintf(p->text, sizeof(p->text), "%s", answer->error->text);
	return (int)answer->error->code;
}

int rawpeer_hung_up(struct rawpeer *p)
{
	struct pollfd poller = { p->sock, POLLIN, 0 };
	uint64_t end = clock_us() + PATIENCE_US;
	char packet[64];
	ssize_t n;

	while (clock_us() < end) {
		if (poll(&poller, 1, 100) != 1)
			continue;
		n = recv(p->sock, packet, sizeof(packet), MSG_DONTWAIT);
		if (!n || (n < 0 && errno != EAGAIN))
			return 1;
	}
	return 0;
}

void rawpeer_hello(struct rawpeer *p)
{
	Hmmd__Hello hello = HMMD__HELLO__INIT;
	RAW_MESSAGE(m, HELLO, hello, &hello);
	Hmmd__Message *answer;
	size_t next = 0;

	hello.version_min = HMM_LIMIT_VERSION_MIN;
	hello.version_max = HMM_LIMIT_VERSION_MAX;
	hello.features = HMMD__FEATURE__FEATURE_LEDGER | p->features;
	hello.name = "raw";
	hello.image = p->image;
	answer = rawpeer_call(p, &m, NULL, 0);
	assert_non_null(answer);
	assert_int_equal(answer->kind_case, HMMD__MESSAGE__KIND_HELLO_REPLY);
	p->client = answer->hello_reply->client;
	if (answer->hello_reply->features & HMMD__FEATURE__FEATURE_LEDGER) {
		p->ledger = p->fds[next];
		p->fds[next++] = -1;
	}
	if (answer->hello_reply->features & HMMD__FEATURE__FEATURE_UFFD_DEVICE) {
		p->uffd_device = p->fds[next];
		p->fds[next++] = -1;
	}
	if (answer->hello_reply->features & HMMD__FEATURE__FEATURE_GATE) {
		p->gate = p->fds[next];
		p->fds[next] = -1;
	}
}

static int make_uffd(const struct rawpeer *p)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = p->uffd_device >= 0 ? ioctl(p->uffd_device, USERFAULTFD_IOC_NEW, O_CLOEXEC | O_NONBLOCK) :
		(int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY);

	assert_true(fd >= 0);
	api.features = UFFD_FEATURE_MISSING_HUGETLBFS | UFFD_FEATURE_MISSING_SHMEM |
		UFFD_FEATURE_PAGEFAULT_FLAG_WP | UFFD_FEATURE_WP_HUGETLBFS_SHMEM;
	assert_int_equal(ioctl(fd, UFFDIO_API, &api), 0);
	return fd;
}

void rawpeer_attach(struct rawpeer *p)
{
	Hmmd__AttachUffd attach = HMMD__ATTACH_UFFD__INIT;
	RAW_MESSAGE(m, ATTACH_UFFD, attach_uffd, &attach);

	p->uffd = make_uffd(p);
	assert_int_equal(rawpeer_refusal(p, &m, &p->uffd, 1), 0);
}

void rawpeer_alloc(struct rawpeer *p, uint64_t pages, struct rawrange *ret)
{
	Hmmd__Alloc alloc = HMMD__ALLOC__INIT;
	RAW_MESSAGE(m, ALLOC, alloc, &alloc);
	Hmmd__Message *answer;

	alloc.size = pages * HUGE_PAGE;
	answer = rawpeer_call(p, &m, NULL, 0);
	assert_non_null(answer);
	assert_int_equal(answer->kind_case, HMMD__MESSAGE__KIND_ALLOC_REPLY);
	assert_int_equal(p->n_fds, 1);
	ret->id = answer->alloc_reply->range;
	ret->size = alloc.size;
	ret->file = p->fds[0];
	ret->addr = NULL;
	p->fds[0] = -1;
}

/* Room at a huge-page boundary whatever the file is made of. */
static void *map_aligned(int file, uint64_t size)
{
	char *room = mmap(NULL, size + HUGE_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at = (char *)(((uintptr_t)room + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);

	assert_true(room != MAP_FAILED);
	munmap(room, size + HUGE_PAGE);
	at = mmap(at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE | MAP_FIXED_NOREPLACE, file, 0);
	assert_true(at != MAP_FAILED);
	return at;
}

void rawpeer_map(struct rawpeer *p, struct rawrange *r)
{
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP };
	Hmmd__MapRange map = HMMD__MAP_RANGE__INIT;
	RAW_MESSAGE(m, MAP_RANGE, map_range, &map);

	r->addr = map_aligned(r->file, r->size);
	reg.range.start = (uintptr_t)r->addr;
	reg.range.len = r->size;
	assert_int_equal(ioctl(p->uffd, UFFDIO_REGISTER, &reg), 0);
	map.range = r->id;
	map.addr = (uintptr_t)r->addr;
	assert_int_equal(rawpeer_refusal(p, &m, NULL, 0), 0);
}

void rawrange_drop(struct rawrange *r)
{
	if (r->addr)
		munmap(r->addr, r->size);
	if (r->file >= 0)
		close(r->file);
	r->addr = NULL;
	r->file = -1;
}

void rawpeer_free(struct rawpeer *p, struct rawrange *r)
{
	Hmmd__Free release = HMMD__FREE__INIT;
	RAW_MESSAGE(m, FREE, free, &release);

	release.range = &r->id;
	release.n_range = 1;
	assert_int_equal(rawpeer_refusal(p, &m, NULL, 0), 0);
	rawrange_drop(r);
}

int rawpeer_ping(struct rawpeer *p)
{
	Hmmd__Ping ping = HMMD__PING__INIT;
	RAW_MESSAGE(m, PING, ping, &ping);

	return rawpeer_refusal(p, &m, NULL, 0);
}
