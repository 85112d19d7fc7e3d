// SPDX-License-Identifier: GPL-2.0-or-later
/* Success for every request. */
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/fd.h"
#include "proto/validate.h"
#include "tests/client/fake_answer.h"

void fake_ok(struct fake *f, uint64_t id)
{
	Hmmd__Ok ok = HMMD__OK__INIT;
	Hmmd__Message m = FAKE_MESSAGE(OK, ok, &ok);

	fake_reply(f, id, &m, NULL, 0);
}

void fake_error(struct fake *f, uint64_t id, int code, const char *text)
{
	Hmmd__Error error = HMMD__ERROR__INIT;
	Hmmd__Message m = FAKE_MESSAGE(ERROR, error, &error);

	error.code = (uint32_t)code;
	error.text = (char *)(uintptr_t)text;
	fake_reply(f, id, &m, NULL, 0);
}

static uint64_t inode_of(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return st.st_ino;
}

static void hello(struct fake *f, uint64_t id, const Hmmd__Hello *h)
{
	Hmmd__HelloReply reply = HMMD__HELLO_REPLY__INIT;
	Hmmd__Message m = FAKE_MESSAGE(HELLO_REPLY, hello_reply, &reply);

	f->resume_client = h->resume_client;
	f->resumed_last = false;
	strncpy(f->name, h->name, sizeof(f->name) - 1);
	reply.version = f->version;
	reply.features = f->features;
	reply.client = f->client;
	reply.huge_page_size = HUGE_PAGE;
	reply.backing = f->backing;
	reply.ledger_root = 1;
	fake_reply(f, id, &m, &f->ledger, !!(f->features & HMMD__FEATURE__FEATURE_LEDGER));
}

static void alloc(struct fake *f, uint64_t id, const Hmmd__Alloc *a)
{
	struct fake_range *r = &f->ranges[f->n_ranges++];
	Hmmd__AllocReply reply = HMMD__ALLOC_REPLY__INIT;
	Hmmd__Message m = FAKE_MESSAGE(ALLOC_REPLY, alloc_reply, &reply);

	assert_true(f->n_ranges <= FAKE_RANGES);
	r->id = f->next_id++;
	r->size = a->size;
	r->file = memfd_create("range", MFD_CLOEXEC);
	r->ino = inode_of(r->file);
	assert_int_equal(ftruncate(r->file, (off_t)a->size), 0);
	reply.range = r->id;
	fake_reply(f, id, &m, &r->file, 1);
}

static void map_range(struct fake *f, uint64_t id, const Hmmd__MapRange *map)
{
	for (size_t i = 0; i < f->n_ranges; i++)
		if (f->ranges[i].id == map->range)
			f->ranges[i].addr = map->addr;
	fake_ok(f, id);
}

static void registering(struct fake *f, uint64_t id, const Hmmd__Register *reg)
{
	Hmmd__RegisterReply reply = HMMD__REGISTER_REPLY__INIT;
	Hmmd__Message m = FAKE_MESSAGE(REGISTER_REPLY, register_reply, &reply);

	reply.first_range = f->next_id;
	reply.count = (uint32_t)reg->n_addr;
	reply.one_node = f->one_node;
	f->next_id += reg->n_addr;
	fake_reply(f, id, &m, NULL, 0);
}

static void resume(struct fake *f, uint64_t id, const Hmmd__Resume *resume, const int *fds)
{
	size_t n_fds = 0;

	for (size_t i = 0; i < resume->n_range; i++) {
		const Hmmd__ResumeRange *r = resume->range[i];

		if (!r->managed) {
			f->resumed_adopted++;
			continue;
		}
		f->resumed_managed++;
		for (size_t j = 0; j < f->n_ranges; j++)
			if (f->ranges[j].id == r->range && f->ranges[j].addr == r->addr &&
			    f->ranges[j].ino == inode_of(fds[n_fds]))
				f->resumed_inodes++;
		n_fds++;
	}
	f->resumed_last = resume->last;
	fake_ok(f, id);
}

static void start_op(struct fake *f, uint64_t id, uint64_t bytes)
{
	Hmmd__OpStarted started = HMMD__OP_STARTED__INIT;
	Hmmd__OpDone done = HMMD__OP_DONE__INIT;
	Hmmd__Message first = FAKE_MESSAGE(OP_STARTED, op_started, &started),
		      then = FAKE_MESSAGE(OP_DONE, op_done, &done);

	started.op = done.op = ++f->next_op;
	done.asked = done.moved = bytes;
	fake_reply(f, id, &first, NULL, 0);
	fake_reply(f, 0, &then, NULL, 0);
}

static void tiers(struct fake *f, uint64_t id)
{
	Hmmd__Tier dram = HMMD__TIER__INIT, far = HMMD__TIER__INIT, *list[] = { &dram, &far };
	Hmmd__TiersReply reply = HMMD__TIERS_REPLY__INIT;
	Hmmd__Message m = FAKE_MESSAGE(TIERS_REPLY, tiers_reply, &reply);

	dram.name = "dram";
	dram.kind = HMM_TIER_KIND_NUMA;
	dram.capacity = 1ULL << 30;
	dram.free = 1ULL << 29;
	far.name = "far";
	far.kind = HMM_TIER_KIND_MEMORY;
	far.node = -1;
	far.read_latency_ns = 900;
	reply.tier = list;
	reply.n_tier = 2;
	fake_reply(f, id, &m, NULL, 0);
}

void fake_answer(struct fake *f, uint64_t id, const Hmmd__Message *m, int *fds)
{
	switch (m->kind_case) {
	case HMMD__MESSAGE__KIND_HELLO:
		hello(f, id, m->hello);
		break;
	case HMMD__MESSAGE__KIND_ATTACH_UFFD:
		fd_close_all(&f->uffd, 1);
		f->uffd = fds[0];
		fds[0] = -1;
		fake_ok(f, id);
		break;
	case HMMD__MESSAGE__KIND_ALLOC:
		alloc(f, id, m->alloc);
		break;
	case HMMD__MESSAGE__KIND_MAP_RANGE:
		map_range(f, id, m->map_range);
		break;
	case HMMD__MESSAGE__KIND_REGISTER:
		registering(f, id, m->register_);
		break;
	case HMMD__MESSAGE__KIND_RESUME:
		resume(f, id, m->resume, fds);
		break;
	case HMMD__MESSAGE__KIND_MIGRATE:
		start_op(f, id, m->migrate->length);
		break;
	case HMMD__MESSAGE__KIND_TIERS:
		tiers(f, id);
		break;
	case HMMD__MESSAGE__KIND_ZAP_DONE:
		f->last_zap = m->zap_done->zap;
		break;
	default:
		fake_ok(f, id);
	}
}
