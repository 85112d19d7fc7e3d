// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connecting: no daemon, a dead socket, a daemon of another age, bad options. Nothing is left
 * behind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/client/fake.h"

static int connect_to(const char *path, struct hmm_client **ret)
{
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;

	o.socket_path = path;
	return hmm_client_new(ret, &o);
}

static void no_socket(void **state)
{
	struct hmm_client *c = NULL;
	size_t before = count_fds();

	(void)state;
	assert_int_equal(connect_to("/tmp/there/is/no/such/socket", &c), -ENOENT);
	assert_null(c);
	assert_int_equal(setenv("HMMD_SOCKET", "/tmp/there/is/no/such/socket", 1), 0);
	assert_int_equal(hmm_client_new(&c, NULL), -ENOENT);
	assert_int_equal(unsetenv("HMMD_SOCKET"), 0);
	assert_int_equal(count_fds(), before);
}

static void a_socket_nobody_listens_on(void **state)
{
	struct fake *f = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct hmm_client *c = NULL;
	int sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/dead", f->dir);
	assert_int_equal(bind(sock, (struct sockaddr *)&address, sizeof(address)), 0);
	close(sock);
	assert_int_equal(connect_to(address.sun_path, &c), -ECONNREFUSED);
	unlink(address.sun_path);
}

static void the_environment_names_the_socket(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = NULL;

	assert_int_equal(setenv("HMMD_SOCKET", f->path, 1), 0);
	assert_int_equal(hmm_client_new(&c, NULL), 0);
	assert_int_equal(unsetenv("HMMD_SOCKET"), 0);
	assert_string_equal(f->name, program_invocation_short_name);
	assert_null(hmm_client_unref(c));
}

static void control_is_for_who_may(void **state)
{
	struct fake *f = *state;
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;

	o.socket_path = f->path;
	o.flags = HMM_CLIENT_CONTROL;
	assert_int_equal(hmm_client_new(&c, &o), -EACCES);
	assert_null(c);
	f->features |= HMMD__FEATURE__FEATURE_CONTROL;
	assert_int_equal(hmm_client_new(&c, &o), 0);
	hmm_client_unref(c);
}

static bool too_old(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
		    size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_HELLO)
		return false;
	fake_error(f, id, EPROTONOSUPPORT, "client speaks 1 to 1, this daemon 2 to 3");
	return true;
}

static void a_daemon_that_refuses_the_version(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = NULL;

	fake_set_script(f, too_old, NULL);
	assert_int_equal(connect_to(f->path, &c), -EPROTONOSUPPORT);
	assert_null(c);
}

static void a_daemon_that_answers_with_a_version_nobody_asked_for(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = NULL;

	FAKE_SET(f, version, HMM_LIMIT_VERSION_MAX + 1);
	assert_int_equal(connect_to(f->path, &c), -EPROTONOSUPPORT);
}

static bool hang_up(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds,
		    size_t n_fds)
{
	(void)id;
	(void)m;
	(void)fds;
	(void)n_fds;
	close(f->conn);
	f->conn = -1;
	return true;
}

static void a_daemon_that_hangs_up(void **state)
{
	struct fake *f = *state;
	struct hmm_client *c = NULL;

	fake_set_script(f, hang_up, NULL);
	assert_int_equal(connect_to(f->path, &c), -ENOTCONN);
}

static void bad_options(void **state)
{
	struct fake *f = *state;
	char name[HMM_LIMIT_NAME + 2], path[200];
	struct hmm_client *c = NULL;
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct {
		struct hmm_client_options known;
		uint64_t newer;
	} longer = { .known = HMM_CLIENT_OPTIONS_INIT };

	assert_int_equal(hmm_client_new(NULL, NULL), -EINVAL);
	o.size = 0;
	assert_int_equal(hmm_client_new(&c, &o), -EINVAL);
	o = (struct hmm_client_options)HMM_CLIENT_OPTIONS_INIT;
	o.flags = 0x80;
	assert_int_equal(hmm_client_new(&c, &o), -EINVAL);
	o.flags = 0;
	o.reserved = 1;
	assert_int_equal(hmm_client_new(&c, &o), -EINVAL);
	o.reserved = 0;
	memset(name, 'n', sizeof(name));
	name[HMM_LIMIT_NAME + 1] = '\0';
	o.name = name;
	assert_int_equal(hmm_client_new(&c, &o), -EINVAL);
	o.name = NULL;
	o.socket_path = "";
	assert_int_equal(hmm_client_new(&c, &o), -EINVAL);
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	o.socket_path = path;
	assert_int_equal(hmm_client_new(&c, &o), -EINVAL);
	/* A struct of a newer header: fine as long as its new fields are not used. */
	longer.known.size = sizeof(longer);
	longer.known.socket_path = f->path;
	longer.newer = 1;
	assert_int_equal(hmm_client_new(&c, &longer.known), -EINVAL);
	assert_null(c);
	longer.newer = 0;
	assert_int_equal(hmm_client_new(&c, &longer.known), 0);
	hmm_client_unref(c);
	/* One of an older header ends before what it does not know. */
	o.socket_path = f->path;
	o.size = offsetof(struct hmm_client_options, name);
	o.name = "not looked at";
	assert_int_equal(hmm_client_new(&c, &o), 0);
	assert_string_equal(f->name, program_invocation_short_name);
	hmm_client_unref(c);
}

static bool refuse_letters(struct fake *f, uint64_t id, const Hmmd__Message *m, const int *fds, size_t n_fds)
{
	(void)fds;
	(void)n_fds;
	if (m->kind_case != HMMD__MESSAGE__KIND_HELLO)
		return false;
	for (const char *p = m->hello->name; *p; p++)
		if (*p & 0x80) {
			fake_error(f, id, EINVAL, "Hello: name is not at most 63 printable characters");
			return true;
		}
	return false;
}

static void an_older_daemon_is_told_a_plain_name(void **state)
{
	struct fake *f = *state;
	struct hmm_client_options o = HMM_CLIENT_OPTIONS_INIT;
	struct hmm_client *c = NULL;

	fake_set_script(f, refuse_letters, NULL);
	o.socket_path = f->path;
	o.name = "Gr\303\266\303\237e";
	assert_int_equal(hmm_client_new(&c, &o), 0);
	assert_string_equal(f->name, "Gr????e");
	hmm_client_unref(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_socket),
		FAKE_TEST(a_socket_nobody_listens_on),
		FAKE_TEST(the_environment_names_the_socket),
		FAKE_TEST(control_is_for_who_may),
		FAKE_TEST(a_daemon_that_refuses_the_version),
		FAKE_TEST(a_daemon_that_answers_with_a_version_nobody_asked_for),
		FAKE_TEST(a_daemon_that_hangs_up),
		FAKE_TEST(bad_options),
		FAKE_TEST(an_older_daemon_is_told_a_plain_name),
	};

	return cmocka_run_group_tests_name("client_no_daemon", tests, NULL, NULL);
}
