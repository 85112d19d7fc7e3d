// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel lets a program call itself what it likes, bytes that a terminal obeys and that are no UTF-8 too. Whoever
 * lists it, reads what happened or the log of the service sees them escaped.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/ask.h"
#include "tests/support/house.h"
#include "tests/support/rawpeer.h"
#include "tests/support/test.h"

#define NAME "\033[31mX\a\xff\xe2\x80\xae"
#define SHOWN "\\x1b[31mX\\x07\\xff\\xe2\\x80\\xae"

/* A program of that name with a range, which it has until it is told to end. */
static pid_t begin(const struct house *h, int *ret_tell)
{
	int tell[2], ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe2(tell, O_CLOEXEC) | pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (!pid) {
		struct rawrange r;
		struct rawpeer *p;

		close(tell[1]);
		prctl(PR_SET_NAME, NAME);
		p = rawpeer_open(h->socket);
		rawpeer_hello(p);
		rawpeer_attach(p);
		rawpeer_alloc(p, 1, &r);
		rawpeer_map(p, &r);
		_exit(write(ready[1], "", 1) != 1 || read(tell[0], &byte, 1) != 0);
	}
	close(tell[0]);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	*ret_tell = tell[1];
	return pid;
}

static bool is_clean(const char *text)
{
	for (; *text; text++)
		if (((unsigned char)*text < ' ' && *text != '\n') || (unsigned char)*text > '~')
			return false;
	return true;
}

/* The first KiB of what it says. 0: it is right. */
static int run(const struct house *h, const char *verb, char *ret, size_t size)
{
	char command[512], rest[256];
	FILE *f;
	size_t n;

	snprintf(command, sizeof(command), "%s --socket %s %s 2>&1", getenv("HMMCTL"), h->socket, verb);
	f = popen(command, "re");
	assert_non_null(f);
	n = fread(ret, 1, size - 1, f);
	ret[n] = '\0';
	while (fread(rest, 1, sizeof(rest), f) > 0)
		;
	return pclose(f);
}

static void a_program_is_shown_escaped(void **state)
{
	static const char *const verbs[] = { "clients", "--json clients", "ranges", "tiers", "events", "--json events",
					     "status", "doctor" };
	struct house *h = *state;
	struct hmm_client *c = house_client(h, "root", 0);
	char text[16384];
	int tell;
	pid_t pid = begin(h, &tell);

	ask_text(c, "clients", "name", "raw", "program", text, sizeof(text));
	assert_string_equal(text, SHOWN);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		assert_int_equal(run(h, verbs[i], text, sizeof(text)), 0);
		assert_true(is_clean(text));
	}
	close(tell);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	hmm_client_unref(c);
}

/* It is said why a tier cannot be emptied, by whom. */
static void nor_does_what_is_said_about_it(void **state)
{
	struct house *h = *state;
	struct hmm_client *c = house_client(h, "root", HMM_CLIENT_CONTROL);
	char text[16384], *log;
	int tell, fd;
	ssize_t n;
	pid_t pid = begin(h, &tell);

	run(h, "migrate 999999999 --to far", text, sizeof(text));
	assert_true(is_clean(text));
	close(tell);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_soon(ask_rows(c, "clients", NULL) == 0);
	assert_int_equal(run(h, "events", text, sizeof(text)), 0);
	assert_true(is_clean(text));
	log = calloc(1, 1 << 20);
	fd = open(h->log, O_RDONLY | O_CLOEXEC);
	n = read(fd, log, (1 << 20) - 1);
	assert_true(n > 0);
	assert_true(is_clean(log));
	assert_non_null(strstr(log, SHOWN));	/* at this level of the log its connection is named */
	close(fd);
	free(log);
	hmm_client_unref(c);
}

/* Lines of a configuration are repeated where they are wrong. */
static void a_configuration_is_shown_escaped(void **state)
{
	struct house *h = *state;
	static const char *const args[] = { "--check-config", NULL };

	house_write_config(h, "[tier \033[31m]\nkind = \xff\nno\ase = 1\n");
	assert_true(house_run(h, args) != 0);
	assert_false(house_logged(h, "\033"));
	assert_false(house_logged(h, "\xff"));
	assert_false(house_logged(h, "\a"));
	assert_true(house_logged(h, "\\x1b") || house_logged(h, "\\xff") || house_logged(h, "\\x07"));
}

/* Names that programs give may have every letter there is, in 63 bytes; what a terminal obeys is none. */
static void letters_of_all_languages_are_taken(void **state)
{
	static const char *const bad[] = { "new\nline", "\033[2J", "\x7f", "\xc2\x9b", "Gr\xf6\xdf" "e", "\xc3" };
	struct house *h = *state;
	struct hmm_client *c = house_client(h, "Größe", 0);
	struct hmm_range_options o = HMM_RANGE_OPTIONS_INIT;
	struct hmm_range *r = NULL, *none = NULL;
	char text[HMM_LIMIT_NAME + 1], longest[HMM_LIMIT_NAME + 3];

	ask_text(c, "clients", "name", "Größe", "name", text, sizeof(text));
	assert_string_equal(text, "");		/* it has nothing yet */
	o.name = "Größe 大きさ";
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, &o, &r), 0);
	assert_string_equal(hmm_range_name(r), o.name);
	ask_text(c, "ranges", "name", o.name, "name", text, sizeof(text));
	assert_string_equal(text, o.name);
	ask_text(c, "clients", "name", "Größe", "name", text, sizeof(text));
	assert_string_equal(text, "Größe");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		o.name = bad[i];
		assert_int_equal(hmm_alloc(c, HUGE_PAGE, &o, &none), -EINVAL);
		assert_non_null(strstr(hmm_client_last_error(c), "options.name"));
	}
	memset(longest, 'x', HMM_LIMIT_NAME - 2);
	strcpy(longest + HMM_LIMIT_NAME - 2, "ö");
	o.name = longest;
	assert_int_equal(hmm_range_free(r), 0);
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, &o, &r), 0);
	strcpy(longest + HMM_LIMIT_NAME - 1, "ö");
	assert_int_equal(hmm_alloc(c, HUGE_PAGE, &o, &none), -EINVAL);
	assert_null(none);
	hmm_client_unref(c);
}

static int open_house(void **state)
{
	const struct house_options o = { .config = HOUSE_QUIET, .args = { "--log-level", "debug" } };

	*state = house_open(&o);
	return 0;
}

static int close_house(void **state)
{
	house_close(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_program_is_shown_escaped),
		cmocka_unit_test(nor_does_what_is_said_about_it),
		cmocka_unit_test(letters_of_all_languages_are_taken),
		cmocka_unit_test(a_configuration_is_shown_escaped),
	};

	return cmocka_run_group_tests_name("names", tests, open_house, close_house);
}
