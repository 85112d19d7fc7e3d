// SPDX-License-Identifier: GPL-2.0-or-later
/* systemctl, by the shell: what an administrator would type is what is tested. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/vm/programs/patience.h"
#include "tests/vm/programs/unit.h"

enum { COMMAND = 512 };

int unit_run(const char *format, ...)
{
	char command[COMMAND];
	va_list rest;
	int status;

	va_start(rest, format);
	vsnprintf(command, sizeof(command), format, rest);
	va_end(rest);
	fflush(NULL);
	status = system(command);
	assert_true(status >= 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void unit_line(char *ret, size_t size, const char *format, ...)
{
	char command[COMMAND];
	va_list rest;
	FILE *f;

	va_start(rest, format);
	vsnprintf(command, sizeof(command), format, rest);
	va_end(rest);
	fflush(NULL);
	f = popen(command, "re");
	assert_non_null(f);
	if (!fgets(ret, (int)size, f))
		ret[0] = '\0';
	pclose(f);
	ret[strcspn(ret, "\n")] = '\0';
}

const char *unit_text(const char *property)
{
	static char text[256];

	unit_line(text, sizeof(text), "systemctl show --value -p %s " UNIT, property);
	return text;
}

unsigned long unit_number(const char *property)
{
	return strtoul(unit_text(property), NULL, 10);
}

bool unit_is(const char *property, const char *value)
{
	return !strcmp(unit_text(property), value);
}

pid_t unit_pid(void)
{
	return (pid_t)unit_number("MainPID");
}

bool unit_is_back(pid_t before)
{
	pid_t now = unit_pid();

	return now > 0 && now != before && unit_is("ActiveState", "active");
}
