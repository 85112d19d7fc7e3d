# SPDX-License-Identifier: GPL-2.0-or-later
systemd_units = daemon/systemd/hmmd.socket daemon/systemd/run-hmmd-thp.mount

EXTRA_DIST += $(systemd_units) \
	daemon/systemd/hmmd.service.in \
	daemon/systemd/hmmd.sysusers.conf \
	daemon/systemd/hmmd.tmpfiles.conf
CLEANFILES += daemon/systemd/hmmd.service

if INSTALL_SYSTEMD
systemdsystemunit_DATA += $(systemd_units) daemon/systemd/hmmd.service

# Both are installed under the name of the daemon, whatever they are called here.
install-data-hook: install-names
	@$(say_next)
install-names:
	$(MKDIR_P) '$(DESTDIR)$(sysusersdir)' '$(DESTDIR)$(tmpfilesdir)'
	$(INSTALL_DATA) $(srcdir)/daemon/systemd/hmmd.sysusers.conf '$(DESTDIR)$(sysusersdir)/hmmd.conf'
	$(INSTALL_DATA) $(srcdir)/daemon/systemd/hmmd.tmpfiles.conf '$(DESTDIR)$(tmpfilesdir)/hmmd.conf'

uninstall-hook:
	rm -f '$(DESTDIR)$(sysusersdir)/hmmd.conf' '$(DESTDIR)$(tmpfilesdir)/hmmd.conf'

installed_next = \
	'  ldconfig' \
	'  systemd-sysusers hmmd.conf' \
	'  systemd-tmpfiles --create hmmd.conf' \
	'  systemctl daemon-reload' \
	'  systemctl enable --now hmmd.socket hmmd.service'
else
install-data-hook:
	@$(say_next)

installed_next = '  ldconfig'
endif

# A package does these in scripts of its own.
say_next = test -n '$(DESTDIR)' || printf '%s\n' 'hmmd is installed; what is left to do once, as root:' $(installed_next)

.PHONY: install-names

# Here and not in configure: only make knows the final value of sbindir.
daemon/systemd/hmmd.service: daemon/systemd/hmmd.service.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && \
	$(SED) -e 's|@sbindir[@]|$(sbindir)|g' $(srcdir)/daemon/systemd/hmmd.service.in >$@.tmp && \
	mv $@.tmp $@
