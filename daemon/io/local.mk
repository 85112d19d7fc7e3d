# SPDX-License-Identifier: GPL-2.0-or-later
# The loop, the threads, the sockets: all of hmmd but main(), so that tests can link it.
noinst_LTLIBRARIES += daemon/io/libio.la
daemon_io_libio_la_SOURCES = \
	daemon/io/awaited.c \
	daemon/io/awaited.h \
	daemon/io/blocks.c \
	daemon/io/blocks.h \
	daemon/io/closing.c \
	daemon/io/closing.h \
	daemon/io/config_file.h \
	daemon/io/config_key.c \
	daemon/io/config_key.h \
	daemon/io/config_load.c \
	daemon/io/config_machine.c \
	daemon/io/config_options.c \
	daemon/io/config_options.h \
	daemon/io/config_parse.c \
	daemon/io/config_report.c daemon/io/config_report.h \
	daemon/io/config_stood.c \
	daemon/io/config_target.c \
	daemon/io/config_value.c \
	daemon/io/config_value.h \
	daemon/io/crew.c \
	daemon/io/crew.h \
	daemon/io/crew_counters.c \
	daemon/io/crew_pass.c \
	daemon/io/crew_park.c \
	daemon/io/crew_probe.c \
	daemon/io/crew_waits.c \
	daemon/io/crew_watch.c \
	daemon/io/crew_threads.h \
	daemon/io/daemon.c \
	daemon/io/daemon.h \
	daemon/io/daemon_backing.c \
	daemon/io/daemon_backing.h \
	daemon/io/daemon_event.c \
	daemon/io/daemon_reload.c \
	daemon/io/daemon_tiers.c \
	daemon/io/deferred.c \
	daemon/io/denied.c daemon/io/denied.h \
	daemon/io/discover.c \
	daemon/io/discover.h \
	daemon/io/dispatch.c \
	daemon/io/dispatch.h \
	daemon/io/drain.c \
	daemon/io/drain.h \
	daemon/io/driver_event.c \
	daemon/io/errand.c \
	daemon/io/errand.h \
	daemon/io/faultd.c \
	daemon/io/fdstore.c \
	daemon/io/grave.c \
	daemon/io/hugepages.c \
	daemon/io/hugepages.h \
	daemon/io/keeper.c \
	daemon/io/keeper.h \
	daemon/io/keeper_own.h \
	daemon/io/keeper_process.c \
	daemon/io/kernel_tier.c \
	daemon/io/grave.h \
	daemon/io/kernel_tier.h \
	daemon/io/latency.c \
	daemon/io/latency.h \
	daemon/io/ledgercheck.c \
	daemon/io/ledgerfile.c \
	daemon/io/ledgerfile.h \
	daemon/io/ledgerfile_own.h \
	daemon/io/lodge.c \
	daemon/io/log.c \
	daemon/io/log.h \
	daemon/io/mailbox.c \
	daemon/io/mailbox.h \
	daemon/io/memfile.c \
	daemon/io/memfile.h \
	daemon/io/notify.c \
	daemon/io/notify_send.c \
	daemon/io/notify.h \
	daemon/io/notify_send.h \
	daemon/io/options.c \
	daemon/io/options.h \
	daemon/io/outgoing.c \
	daemon/io/outgoing.h \
	daemon/io/pin.c \
	daemon/io/pin.h \
	daemon/io/pin_leave.c \
	daemon/io/pinfile.c \
	daemon/io/porter.c \
	daemon/io/porter.h \
	daemon/io/porters.c \
	daemon/io/porters.h \
	daemon/io/porters_follow.c \
	daemon/io/porters_note.c \
	daemon/io/porters_own.h \
	daemon/io/query.c \
	daemon/io/query.h \
	daemon/io/query_clients.c \
	daemon/io/query_doctor.c \
	daemon/io/query_events.c \
	daemon/io/query_pages.c \
	daemon/io/query_policies.c \
	daemon/io/query_ranges.c \
	daemon/io/query_status.c \
	daemon/io/query_table.c \
	daemon/io/query_table.h \
	daemon/io/query_tiers.c \
	daemon/io/query_users.c \
	daemon/io/query_util.c \
	daemon/io/rangefile.c \
	daemon/io/rates.c \
	daemon/io/rates.h \
	daemon/io/reply.c \
	daemon/io/reply.h \
	daemon/io/request.h \
	daemon/io/request_advise.c \
	daemon/io/request_alloc.c \
	daemon/io/request_control.c \
	daemon/io/request_drain.c \
	daemon/io/request_driver.c \
	daemon/io/request_driver.h \
	daemon/io/request_hello.c \
	daemon/io/request_misc.c \
	daemon/io/request_move.c \
	daemon/io/request_move.h \
	daemon/io/request_op.c \
	daemon/io/request_pin.c \
	daemon/io/request_register.c \
	daemon/io/request_tables.c \
	daemon/io/request_resume.c \
	daemon/io/request_span.c \
	daemon/io/request_tables.h \
	daemon/io/resume.c \
	daemon/io/resume.h \
	daemon/io/resume_gone.c \
	daemon/io/resume_own.h \
	daemon/io/resume_page.c \
	daemon/io/resume_park.c \
	daemon/io/resume_pin.c \
	daemon/io/resume_process.c \
	daemon/io/resume_progress.c \
	daemon/io/resume_restore.c \
	daemon/io/resume_step.c \
	daemon/io/retire.c \
	daemon/io/retire.h \
	daemon/io/room.c \
	daemon/io/schedule.c \
	daemon/io/schedule.h \
	daemon/io/schedule_op.c \
	daemon/io/schedule_own.h \
	daemon/io/schedule_plan.c \
	daemon/io/schedule_result.c \
	daemon/io/schedule_room.c \
	daemon/io/schedule_tiers.c daemon/io/schedule_undone.c \
	daemon/io/schedule_victims.c \
	daemon/io/server.c \
	daemon/io/server.h \
	daemon/io/server_socket.c \
	daemon/io/server_socket.h \
	daemon/io/session.c \
	daemon/io/session.h \
	daemon/io/session_event.c \
	daemon/io/session_own.h \
	daemon/io/session_socket.c \
	daemon/io/session_socket.h \
	daemon/io/signals.c \
	daemon/io/signals.h \
	daemon/io/space_driver.c \
	daemon/io/space_driver.h \
	daemon/io/space_driver_own.h \
	daemon/io/slotmap.c \
	daemon/io/slotmap.h \
	daemon/io/squad.c \
	daemon/io/state_dir.c \
	daemon/io/state_dir.h \
	daemon/io/stop.c \
	daemon/io/stop.h \
	daemon/io/survey.c daemon/io/survey.h daemon/io/survivors.c \
	daemon/io/survivors.h \
	daemon/io/tier_record.c \
	daemon/io/tier_record.h \
	daemon/io/track.c \
	daemon/io/track.h \
	daemon/io/track_look.c \
	daemon/io/track_look.h \
	daemon/io/unreadable.c \
	daemon/io/unreadable.h \
	daemon/io/version.h \
	daemon/io/waits.c \
	daemon/io/waits.h \
	daemon/io/worker.c \
	daemon/io/worker_driver.c \
	daemon/io/worker_driver.h \
	daemon/io/worker_look.c daemon/io/worker_look.h daemon/io/worker_node.c \
	daemon/io/worker_node.h
daemon_io_libio_la_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(PROTOBUF_C_CFLAGS) $(SYSTEMD_CFLAGS) $(INIH_CFLAGS)
daemon_io_libio_la_LIBADD = \
	daemon/mech/libmech.la drivers/libdrivers.la daemon/core/libcore.la daemon/base/libbase.la \
	proto/libhmmfd.la proto/libhmmproto.la proto/libhmmpb.la \
	$(UV_LIBS) $(PROTOBUF_C_LIBS) $(SYSTEMD_LIBS) $(INIH_LIBS)

sbin_PROGRAMS += hmmd
hmmd_SOURCES = daemon/io/main.c
hmmd_CFLAGS = $(AM_CFLAGS) $(UV_CFLAGS) $(PROTOBUF_C_CFLAGS)
hmmd_LDADD = daemon/io/libio.la
