# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel module: its pure parts as an archive for tests, its sources for DKMS, and, where configure
# was told of kernel headers, hmmdev.ko itself.
include $(top_srcdir)/drivers/kmod/pure.mk

kmod_sources = \
	drivers/kmod/Kbuild drivers/kmod/Makefile drivers/kmod/dkms.conf \
	drivers/kmod/probes/probe.c drivers/kmod/probes/probe.sh drivers/kmod/access.c \
	drivers/kmod/account.c drivers/kmod/batch.c drivers/kmod/census.c drivers/kmod/census.h drivers/kmod/compat.h \
	drivers/kmod/device.c drivers/kmod/device.h drivers/kmod/drain.c drivers/kmod/dryrun.c drivers/kmod/event.c \
	drivers/kmod/evict.c drivers/kmod/evict.h drivers/kmod/excl.c drivers/kmod/fault.c \
	drivers/kmod/file.c drivers/kmod/folio.c drivers/kmod/huge.c drivers/kmod/huge.h drivers/kmod/loan.c drivers/kmod/loan.h drivers/kmod/inject.c drivers/kmod/ioctl.c \
	drivers/kmod/main.c drivers/kmod/mapper.c drivers/kmod/mapper.h drivers/kmod/memory.c drivers/kmod/migrate.c drivers/kmod/move.c \
	drivers/kmod/move.h drivers/kmod/notifier.c drivers/kmod/pagemap.c drivers/kmod/param.c drivers/kmod/patience.h \
	drivers/kmod/leave.c drivers/kmod/pci.c drivers/kmod/pci.h drivers/kmod/pci_error.c drivers/kmod/pin.c drivers/kmod/place.c drivers/kmod/pool.c \
	drivers/kmod/range.c drivers/kmod/runs.c drivers/kmod/runs.h drivers/kmod/rw.c drivers/kmod/sleep.c drivers/kmod/snap.c drivers/kmod/space.c \
	drivers/kmod/space.h drivers/kmod/stats.c drivers/kmod/sum.c drivers/kmod/sum.h
EXTRA_DIST += $(kmod_sources)
# Pure parts are listed where they are compiled for user space.
kmod_files = $(kmod_sources) $(drivers_kmod_libpure_la_SOURCES)

# Below PREFIX; for /usr that is where DKMS and udev look.
kmodsrcdir = $(prefix)/src/hmmdev-$(PACKAGE_VERSION)
udevrulesdir = $(prefix)/lib/udev/rules.d
dist_udevrules_DATA = drivers/kmod/60-hmmdev.rules

install-data-local:
	@for f in $(kmod_files); do \
		to='$(DESTDIR)$(kmodsrcdir)'/$${f#drivers/}; \
		$(MKDIR_P) "$${to%/*}" && $(INSTALL_DATA) "$(srcdir)/$$f" "$$to" || exit 1; \
	done
	@$(SED) 's/@VERSION[@]/$(PACKAGE_VERSION)/' $(srcdir)/drivers/kmod/dkms.conf \
		>'$(DESTDIR)$(kmodsrcdir)'/dkms.conf

uninstall-local:
	rm -rf '$(DESTDIR)$(kmodsrcdir)'

if KERNEL_MODULE
# Kbuild writes beside its sources, so it works on a copy below the build directory.
kmod_copy = drivers/hmmdev
kmod_release = $$($(SED) -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KERNEL_HEADERS)/include/generated/utsrelease.h)
noinst_DATA = $(kmod_copy)/kmod/hmmdev.ko
$(kmod_copy)/kmod/hmmdev.ko: $(kmod_files)
	$(AM_V_GEN)for f in $(kmod_files); do \
		to=$(kmod_copy)/$${f#drivers/}; \
		$(MKDIR_P) "$${to%/*}" && cp "$(srcdir)/$$f" "$$to" || exit 1; \
	done; \
	$(MAKE) -C $(KERNEL_HEADERS) M=$(abs_builddir)/$(kmod_copy)/kmod modules

install-exec-local: $(kmod_copy)/kmod/hmmdev.ko
	$(MKDIR_P) "$(DESTDIR)/lib/modules/$(kmod_release)/updates"
	$(INSTALL_DATA) $(kmod_copy)/kmod/hmmdev.ko "$(DESTDIR)/lib/modules/$(kmod_release)/updates"

clean-local:
	rm -rf $(kmod_copy)
endif
