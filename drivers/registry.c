// SPDX-License-Identifier: GPL-2.0-or-later
/* A fixed table: what is built in, and in front of it what was added by hand. */
#include <errno.h>
#include <string.h>

#include "drivers/registry.h"

static const struct hmm_device_ops *const built_in[] = { &hmm_device_memory, &hmm_device_file };
static const struct hmm_device_ops *added[HMM_DEVICE_KINDS_ADDED];
static size_t n_added;

const struct hmm_device_ops *hmm_device_find(const char *kind)
{
	for (size_t i = n_added; i > 0; i--) {
		if (!strcmp(added[i - 1]->kind, kind))
			return added[i - 1];
	}
	for (size_t i = 0; i < sizeof(built_in) / sizeof(built_in[0]); i++) {
		if (!strcmp(built_in[i]->kind, kind))
			return built_in[i];
	}
	return NULL;
}

int hmm_device_add(const struct hmm_device_ops *ops)
{
	if (n_added == HMM_DEVICE_KINDS_ADDED)
		return -ENOSPC;
	added[n_added++] = ops;
	return 0;
}
