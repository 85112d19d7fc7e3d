// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The doctor: one function per line, each of which tries the thing itself and does not ask the kernel's
 * version. A line says what works or what is lost without it, and the command that would change it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/mech/capability_own.h"
#include "daemon/mech/image.h"
#include "daemon/mech/kernel.h"

#ifndef UFFD_FEATURE_POISON
#define UFFD_FEATURE_POISON (1 << 14)
#endif
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

void doctor_say(struct doctor_line *line, enum doctor_state state, const char *format, ...)
{
	va_list args;

	line->state = state;
	va_start(args, format);
	vsnprintf(line->text, sizeof(line->text), format, args);
	va_end(args);
}

void doctor_remedy(struct doctor_line *line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(line->remedy, sizeof(line->remedy), format, args);
	va_end(args);
}

int doctor_read(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, ret, size - 1);
	close(fd);
	if (n < 0)
		return -EIO;
	ret[n] = '\0';
	ret[strcspn(ret, "\n")] = '\0';
	return 0;
}

static void uffd_device(struct doctor_line *line)
{
	int fd, r = uffd_open_device(&fd);

	if (!r) {
		close(fd);
		doctor_say(line, DOCTOR_OK, "can be handed to clients: system calls may touch pages that are away");
	} else if (r == -ENOENT) {
		doctor_say(line, DOCTOR_MISSING,
			   "no such device: system calls that touch a page that is away fail with EFAULT");
		doctor_remedy(line, "kernel 6.1 or later with CONFIG_USERFAULTFD");
	} else {
		doctor_say(line, DOCTOR_DEGRADED,
			   "%s: system calls that touch a page that is away fail with EFAULT", strerror(-r));
		doctor_remedy(line, "systemctl start hmmd");
	}
}

static int uffd_features(uint64_t *ret)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd, r = uffd_own(&fd);

	if (r)
		return r;
	r = ioctl(fd, UFFDIO_API, &api) < 0 ? -errno : 0;
	close(fd);
	if (!r)
		*ret = api.features;
	return r;
}

static void write_protection(struct doctor_line *line)
{
	uint64_t features = 0;
	int r = uffd_features(&features);

	if (r) {
		doctor_say(line, DOCTOR_MISSING, "userfaultfd: %s: no managed ranges", strerror(-r));
		doctor_remedy(line, "kernel with CONFIG_USERFAULTFD; a seccomp filter must allow userfaultfd(2), or /dev/userfaultfd be open to hmmd");
	} else if (features & UFFD_FEATURE_WP_HUGETLBFS_SHMEM) {
		doctor_say(line, DOCTOR_OK, "of files in memory: pages can be evicted while the program runs");
	} else {
		doctor_say(line, DOCTOR_MISSING, "not for files in memory: no managed ranges");
		doctor_remedy(line, "kernel 5.19 or later with CONFIG_PTE_MARKER_UFFD_WP");
	}
}

static void poison(struct doctor_line *line)
{
	uint64_t features = 0;

	if (!uffd_features(&features) && (features & UFFD_FEATURE_POISON)) {
		doctor_say(line, DOCTOR_OK, "a page that cannot be read back raises SIGBUS");
		return;
	}
	doctor_say(line, DOCTOR_DEGRADED, "a program that touches a page that cannot be read back waits for ever");
	doctor_remedy(line, "kernel 6.6 or later");
}

static void sealing(struct doctor_line *line)
{
	int fd = memfd_create("hmm:doctor", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd >= 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0) {
		doctor_say(line, DOCTOR_OK, "clients cannot cut their memory off");
	} else {
		doctor_say(line, DOCTOR_MISSING, "memory files: %s: no managed ranges", strerror(errno));
		doctor_remedy(line, "kernel with CONFIG_MEMFD_CREATE");
	}
	if (fd >= 0)
		close(fd);
}

static void page_scan(struct doctor_line *line)
{
	struct page_region region;
	struct pm_scan_arg arg = {
		.size = sizeof(arg), .vec = (uintptr_t)&region, .vec_len = 1,
		.category_mask = PAGE_IS_PRESENT, .return_mask = PAGE_IS_PRESENT
	};
	struct image self;
	int fd, r = image_of(getpid(), &self);

	if (!r)
		r = pagemap_open(&self, &fd);
	if (r) {
		doctor_say(line, DOCTOR_MISSING, "/proc/PID/pagemap: %s: no access tracking", strerror(-r));
		doctor_remedy(line, "kernel with CONFIG_PROC_PAGE_MONITOR");
		return;
	}
	arg.start = (uintptr_t)&region & ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);
	arg.end = arg.start + (uint64_t)sysconf(_SC_PAGESIZE);
	if (ioctl(fd, PAGEMAP_SCAN, &arg) >= 0) {
		doctor_say(line, DOCTOR_OK, "PAGEMAP_SCAN: access tracking is cheap");
	} else {
		doctor_say(line, DOCTOR_DEGRADED, "no PAGEMAP_SCAN: access tracking reads 4 KiB for each huge page");
		doctor_remedy(line, "kernel 6.7 or later");
	}
	close(fd);
}

static void peer_identity(struct doctor_line *line)
{
	socklen_t size = sizeof(int);
	int ends[2], fd = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0) {
		doctor_say(line, DOCTOR_MISSING, "%s", strerror(errno));
		return;
	}
	if (getsockopt(ends[0], SOL_SOCKET, SO_PEERPIDFD, &fd, &size) == 0 && fd >= 0) {
		close(fd);
		doctor_say(line, DOCTOR_OK, "clients are known by the kernel's own pidfd");
	} else {
		doctor_say(line, DOCTOR_OK, "clients are known by number and start time");
	}
	close(ends[0]);
	close(ends[1]);
}

static void other_processes(struct doctor_line *line)
{
	const uint64_t want = 1ULL << CAP_SYS_PTRACE | 1ULL << CAP_SYS_NICE;
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	uint64_t have = 0;

	if (syscall(SYS_capget, &head, data) == 0)
		have = (uint64_t)data[1].effective << 32 | data[0].effective;
	if ((have & want) == want) {
		doctor_say(line, DOCTOR_OK, "memory of other users' processes can be moved and tracked");
		return;
	}
	doctor_say(line, DOCTOR_DEGRADED, "only processes of our own user can be moved between nodes and tracked");
	doctor_remedy(line, "AmbientCapabilities=CAP_SYS_PTRACE CAP_SYS_NICE in the unit of hmmd");
}

static const struct {
	const char *name;
	void (*examine)(struct doctor_line *line);
} checks[] = {
	{ "userfaultfd", uffd_device },
	{ "write_protection", write_protection },
	{ "hugetlb", doctor_hugetlb },
	{ "tmpfs_huge", doctor_thp },
	{ "sealed_files", sealing },
	{ "uffd_poison", poison },
	{ "pagemap_scan", page_scan },
	{ "numa", doctor_numa },
	{ "privileges", other_processes },
	{ "peer_identity", peer_identity },
	{ "kernel_driver", doctor_driver },
	{ "swap", doctor_swap },
	{ "damon_stat", doctor_damon },
};

size_t doctor_examine(struct doctor_line *lines, size_t cap)
{
	size_t n = sizeof(checks) / sizeof(checks[0]);

	if (n > cap)
		n = cap;
	for (size_t i = 0; i < n; i++) {
		lines[i] = (struct doctor_line){ .check = checks[i].name };
		checks[i].examine(&lines[i]);
	}
	return n;
}
