/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the fake says when the test's script leaves a message to it. With the fake's lock held. */
#ifndef HMM_TESTS_CLIENT_FAKE_ANSWER_H
#define HMM_TESTS_CLIENT_FAKE_ANSWER_H

#include "tests/client/fake.h"

/* Descriptors that it keeps are set to -1. */
void fake_answer(struct fake *f, uint64_t id, const Hmmd__Message *m, int *fds);

#endif
