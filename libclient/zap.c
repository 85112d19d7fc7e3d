// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Unmapping without losing, for the daemon's tracker: MADV_DONTNEED on a shared mapping leaves the
 * page in its file. On private memory the same call would throw data away, so every span is checked
 * against this client's own managed ranges under the lock that freeing one takes too, and against
 * what the program has mapped there since (own.h).
 */
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

#include "libclient/client.h"
#include "libclient/clock.h"
#include "libclient/gate.h"
#include "libclient/mapping.h"
#include "libclient/own.h"

/* Bytes unmapped before others get the lock and faults are read: about 16 µs at 0.5 µs for 2 MiB; by base pages more. */
#define ZAP_STRIDE (64ULL << 20)
#define ZAP_STRIDE_BASE (2ULL << 20)

/* A reader is inside for some microseconds, unless it lost its processor. */
#define SHUT_US 10000ULL

/* Once, and the rest of the range goes on being served. */
static void tell_once(struct hmm_client *c, struct hmm_range *r, size_t off, size_t len)
{
	struct hmm_event event = {
		.type = HMM_EVENT_NOTICE, .range = r, .offset = off, .length = len,
		.text = "a part of this managed range was unmapped or mapped over; hmmd leaves alone what is there now"
	};

	if (len && !r->told)
		work_event(c, &event);
	r->told |= len > 0;
}

/*
 * What is still ours of [off, end); the first piece that is not, length 0: none. Takes no lock and asks
 * for no memory: who has the allocator's may be unmapping, and waits for us.
 */
static size_t unmap_own(int maps, const struct hmm_range *r, size_t off, size_t end, size_t *ret_len)
{
	size_t start, stop, first = 0;

	*ret_len = 0;
	for (; off < end; off = stop) {
		start = own_next(maps, r, off, end, &stop);
		if (start > off && !*ret_len) {
			first = off;
			*ret_len = start - off;
		}
		if (start < end)
			madvise(r->addr + start, stop - start, MADV_DONTNEED);
	}
	return first;
}

/*
 * While nobody reads the userfaultfd no munmap(2) of what is ours returns, so what was seen to be ours is nobody
 * else's when it is let go. False: somebody reads for too long, or was killed doing so.
 */
static bool shut(struct gate *g)
{
	uint64_t until = clock_after(SHUT_US);

	if (!g)
		return true;
	gate_shut(g);
	while (!gate_empty(g)) {
		if (clock_now_us() >= until) {
			gate_open(g);
			return false;
		}
		sched_yield();
	}
	return true;
}

static uint64_t stride(const struct hmm_client *c)
{
	return c->session.backing == HMMD__BACKING__BACKING_HUGETLB ? ZAP_STRIDE : ZAP_STRIDE_BASE;
}

/* Returns how much of the span is done; 0: it is not ours to unmap, negative: nothing more is to be done. */
static int64_t zap_some(struct hmm_client *c, int maps, const struct zap_span *s, uint64_t done)
{
	struct hmm_range *r = range_find(&c->ranges, s->range), copy;
	uint64_t n = s->length - done;
	size_t foreign, foreign_len;
	struct gate *gate = c->gate;

	if (!r || !r->managed || s->offset > r->size || s->length > r->size - s->offset)
		return 0;
	if (n > stride(c))
		n = stride(c);
	copy = *r;	/* the program's allocator may have its memory from us, and nobody reads faults now */
	if (!shut(gate))
		return -1;
	foreign = unmap_own(maps, &copy, s->offset + done, s->offset + done + n, &foreign_len);
	if (gate)
		gate_open(gate);
	tell_once(c, r, foreign, foreign_len);
	return (int64_t)n;
}

static bool is_current(const struct hmm_client *c, uint64_t connection)
{
	return c->session.state == SESSION_UP && c->session.connection == connection;
}

/* Where nobody can look nothing is zapped: those pages look used. */
void zap_run(struct hmm_client *c, uint64_t connection, const struct zap_span *spans, uint32_t n)
{
	int maps = mapping_open();
	int64_t step = 0;

	for (uint32_t i = 0; maps >= 0 && step >= 0 && i < n; i++) {
		uint64_t done = 0;

		while (done < spans[i].length && is_current(c, connection) &&
		       (step = zap_some(c, maps, &spans[i], done)) > 0) {
			done += (uint64_t)step;
			client_leave(c);
			pthread_mutex_lock(&c->lock);
		}
	}
	if (maps >= 0)
		close(maps);
}
