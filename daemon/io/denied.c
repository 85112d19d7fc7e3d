// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The sandbox of the service (daemon/systemd/hmmd.service.in) shows everything outside hmmd's own directories
 * read-only, and of devices only the named ones can be opened. Asked again of the kernel, since an errno does not
 * tell it from the modes of the file.
 */
#include <grp.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/core/config.h"
#include "daemon/io/denied.h"

#define DROP_INS "/etc/systemd/system/hmmd.service.d"
enum { LINES = CONFIG_PATH + 128 };

static void allow(const struct tier_config *t, const char *lines, char *ret, size_t size)
{
	snprintf(ret, size, "mkdir -p " DROP_INS " && printf '%%s\\n' '[Service]' %s >" DROP_INS "/tier-%s.conf && "
		 "systemctl daemon-reload && systemctl restart hmmd", lines, t->name);
}

static bool device(const struct tier_config *t, const struct stat *st, char *ret, size_t size)
{
	bool shared = st->st_gid && (st->st_mode & S_IRGRP) && (st->st_mode & S_IWGRP);
	const struct group *g = shared ? getgrgid(st->st_gid) : NULL;
	char lines[LINES];

	if (access(t->path, R_OK | W_OK) == 0)
		return false;
	snprintf(lines, sizeof(lines), "'DeviceAllow=%s rw'%s%s%s", t->path, g ? " 'SupplementaryGroups=" : "",
		 g ? g->gr_name : "", g ? "'" : "");
	allow(t, lines, ret, size);
	return true;
}

/* The `-`: a directory that is missing one day is a tier that is missing, and not a service that does not start. */
static bool directory(const struct tier_config *t, const char *path, char *ret, size_t size)
{
	char lines[LINES];
	struct statvfs fs;

	if (statvfs(path, &fs) < 0 || !(fs.f_flag & ST_RDONLY))
		return false;
	snprintf(lines, sizeof(lines), "'ReadWritePaths=-%s'", path);
	allow(t, lines, ret, size);
	return true;
}

static bool modes(const char *path, bool there, const char *parent, char *ret, size_t size)
{
	if (access(there ? path : parent, there ? R_OK | W_OK : W_OK) == 0)
		return false;
	snprintf(ret, size, "%s '%s' && systemctl restart hmmd",
		 there ? "chown hmmd:hmmd" : "install -o hmmd -g hmmd -m 600 /dev/null", path);
	return true;
}

bool denied_remedy(const struct tier_config *t, char *ret, size_t size)
{
	char path[CONFIG_PATH];
	const char *parent;
	struct stat st;
	bool there;

	if (t->kind != TIER_FILE)
		return false;
	there = stat(t->path, &st) == 0;
	if (there && S_ISBLK(st.st_mode))
		return device(t, &st, ret, size);
	strcpy(path, t->path);
	parent = there && S_ISDIR(st.st_mode) ? t->path : dirname(path);
	if (access(parent, F_OK) < 0)
		return false;
	return directory(t, parent, ret, size) || modes(t->path, there, parent, ret, size);
}
