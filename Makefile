# pg_purser
#
# With a server of your own:  make, make install, make installcheck  [PG_CONFIG=/path/to/pg_config]
# With nothing but git and make:  make demo, make check   (they install what is missing, and say so)

here := $(dir $(firstword $(MAKEFILE_LIST)))
own_commands := demo check lint dist bench

ifneq ($(filter $(own_commands),$(MAKECMDGOALS)),)

# The project's own commands need no PGXS, which a fresh machine does not have yet.
.PHONY: $(own_commands)
$(own_commands):
	@PG_CONFIG='$(PG_CONFIG)' $(here)scripts/$@

else

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)
# Debian's client package has PGXS without the headers.
ifeq ($(and $(wildcard $(PGXS)),$(wildcard $(shell $(PG_CONFIG) --includedir-server 2>/dev/null)/postgres.h)),)
$(error "$(PG_CONFIG)" does not lead to a PostgreSQL server with its development files; \
	install them (Debian: postgresql-server-dev-15), or set PG_CONFIG to the server's pg_config)
endif

EXTENSION = pg_purser
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(here)pg_purser.control)
MODULE_big = pg_purser
PGFILEDESC = "pg_purser - migration ledger, bulk loading and query audit"

OBJS_SHARED = src/shared/arguments.o src/shared/owner_query.o src/shared/worker.o
OBJS_LEDGER = $(addprefix src/ledger/ledger_, accept.o applied.o backfill.o baseline.o batch.o \
	chain.o check.o combine.o cover.o creates.o deferred.o events.o family.o faults.o files.o \
	fit.o format.o functions.o graph.o head.o history.o journal.o labels.o lineage.o load.o \
	looks.o merge.o names.o offline.o outside.o plan.o precondition.o presence.o psql.o range.o \
	record.o remove.o repeat.o replace.o requires.o revision.o route.o run.o script.o squash.o \
	squash_range.o stamp.o state.o step.o store.o tag.o target.o underway.o walk.o whole.o)
OBJS_ONLINE = $(addprefix src/online/online_, backfill.o batch.o control.o cut.o key.o keyset.o \
	locks.o migrate.o name.o ordinary.o outside.o plan.o portal.o progress.o revision.o \
	segment.o settings.o statement.o throttle.o transaction.o wait.o worker.o)
OBJS_ADOPT = $(addprefix src/adopt/adopt_, find.o functions.o name.o plan.o read.o tools.o)
OBJS_BULK = $(addprefix src/bulk/bulk_, context.o data.o functions.o load.o load_reader.o options.o \
	options_format.o plan.o progress.o settings.o target.o)
OBJS_BULK_INPUT = $(addprefix src/bulk/input/bulk_, csv.o delimited.o file.o header.o json.o \
	json_error.o json_nested.o json_row.o json_scan.o json_skip.o json_string.o jsonb.o scan.o \
	scan_avx2.o scan_neon.o scan_scalar.o scan_sse2.o sniff.o source.o source_convert.o \
	source_file.o source_gzip.o source_window.o source_zstd.o stream.o text.o)
OBJS_BULK_VALUES = $(addprefix src/bulk/values/bulk_, arrays.o cast.o coerce.o insert_arrays.o \
	nested.o nested_array.o parse.o parse_float.o parse_number.o parse_string.o parse_time.o \
	type.o)
OBJS_BULK_WRITE = $(addprefix src/bulk/write/bulk_, flush.o foreign.o hold.o index.o \
	leaf.o pack.o parent.o part.o rebuild.o route.o run.o sight.o straight.o tuple.o writer.o)
OBJS_BULK_CONFLICT = $(addprefix src/bulk/conflict/bulk_, arbiter.o conflict.o outcomes.o \
	overwrite.o probe.o set.o settle.o settle_keys.o settle_skip.o where.o)
OBJS_BULK_REJECT = $(addprefix src/bulk/reject/bulk_, attempt.o batch.o batch_inspect.o \
	batch_read.o batch_try.o batch_write.o blame.o capture.o intake.o raw.o reject.o \
	reject_store.o repeat.o retry.o runs.o runs_read.o runs_write.o taken.o taken_probe.o)
OBJS_BULK_STATEMENT = $(addprefix src/bulk/statement/bulk_, change.o erase.o execute.o infer.o \
	insert.o last.o path.o returning.o rows.o scalars.o syntax.o tree.o tree_child.o \
	tree_level.o)
OBJS_BULK_JOB = $(addprefix src/bulk/job/bulk_, arguments.o call.o cut.o job.o range.o split.o)
OBJS_BULK_PARALLEL = $(addprefix src/bulk/parallel/bulk_, borrow.o parallel.o parallel_check.o \
	parallel_claim.o parallel_numbers.o parallel_send.o parallel_worker.o)
OBJS_AUDIT = $(addprefix src/audit/, audit.o audit_hooks.o audit_judge.o) \
	$(addprefix src/audit/capture/audit_, figures.o identity.o idle.o local.o removed.o screen.o sizes.o \
	tap.o wire.o workers.o) \
	$(addprefix src/audit/plan/audit_, clause.o count.o discard.o estimate.o expression.o extent.o fanout.o \
	filter.o index.o join.o link.o lookup.o made.o node.o order.o origin.o pattern.o source.o spill.o \
	statistics.o trigram.o unique.o unseen.o value.o volatile.o wrapped.o) \
	$(addprefix src/audit/store/audit_, board.o finds.o load.o queries.o save.o saver.o section.o \
	sighting.o store.o table.o verdict.o) \
	$(addprefix src/audit/whatif/audit_, hypothesis.o hypothesis_use.o replan.o split.o trees.o) \
	$(addprefix src/audit/govern/audit_, allow.o comment.o policy.o say.o suppress.o \
	suppressions.o) \
	$(addprefix src/audit/session/audit_, changes.o children.o loops.o parents.o session.o text.o) \
	$(addprefix src/audit/rules/audit_, deep_offset.o discarded_rows.o disk_spill.o exact_count.o \
	join_fanout.o missing_index.o n_plus_one.o names.o non_sargable.o precedence.o prove.o \
	repeated_query.o row_by_row_write.o row_misestimate.o rules.o stale_statistics.o \
	unbounded_result.o unparameterized.o unread_rows.o wide_select.o) \
	$(addprefix src/audit/views/audit_, findings.o query_stats.o status.o)
OBJS = src/pg_purser.o $(OBJS_SHARED) $(OBJS_LEDGER) $(OBJS_ONLINE) $(OBJS_ADOPT) $(OBJS_BULK) \
	$(OBJS_BULK_INPUT) $(OBJS_BULK_VALUES) $(OBJS_BULK_WRITE) $(OBJS_BULK_CONFLICT) \
	$(OBJS_BULK_REJECT) $(OBJS_BULK_STATEMENT) $(OBJS_BULK_JOB) $(OBJS_BULK_PARALLEL) \
	$(OBJS_AUDIT)

INSTALL_SQL = sql/pg_purser.sql $(addprefix sql/pg_purser_, ledger.sql online.sql backfill.sql \
	adopt.sql bulk.sql bulk_load.sql audit.sql)
DATA = $(wildcard $(here)sql/pg_purser--*--*.sql)
DATA_built = pg_purser--$(EXTVERSION).sql

REGRESS_LEDGER = ledger_basic ledger_targets ledger_format ledger_scripts ledger_privileges \
	ledger_demo ledger_heads ledger_long_plan ledger_labels ledger_merge ledger_checks \
	ledger_tags ledger_requires ledger_hostile ledger_initial ledger_offline ledger_squash \
	ledger_repeatable ledger_squash_state
REGRESS_ONLINE = online_migrate online_neighbours online_backfill online_seams
REGRESS_ADOPT = adopt_tools adopt_refusals adopt_again adopt_access
REGRESS_BULK = bulk_insert bulk_csv bulk_json bulk_trigger bulk_conflict bulk_privilege \
	bulk_foreign bulk_rebuild bulk_ndjson bulk_csv_options bulk_text bulk_arrays bulk_values \
	bulk_partition bulk_index bulk_tuple bulk_statement bulk_upsert_statement bulk_update \
	bulk_delete bulk_returning bulk_tree bulk_upsert bulk_outcomes bulk_upsert_partition \
	bulk_rejects bulk_rejects_partition bulk_retry bulk_foreign_trigger bulk_outcomes_rejects \
	bulk_rejects_conflict bulk_bytes bulk_plan bulk_erase bulk_leaf bulk_rejects_index \
	bulk_rejects_statement bulk_rejects_change bulk_outcomes_statement bulk_mistakes \
	bulk_rejects_transaction bulk_capture bulk_foreign_memory
REGRESS_AUDIT = audit_counts audit_missing_index audit_results audit_n_plus_one audit_repeated \
	audit_row_by_row audit_unparameterized audit_wide_select audit_unbounded_result \
	audit_unread_rows audit_exact_count audit_keyset audit_discarded_rows audit_disk_spill \
	audit_join_fanout audit_misestimate audit_stale audit_what_if audit_what_if_hostile \
	audit_non_sargable audit_wildcard audit_expression audit_collation audit_or audit_what_if_where \
	audit_speak audit_speak_proven audit_suppress \
	audit_measured audit_query_stats audit_access audit_names audit_collections audit_readers \
	audit_frames
REGRESS = setup $(REGRESS_LEDGER) $(REGRESS_ONLINE) $(REGRESS_ADOPT) $(REGRESS_BULK) \
	$(REGRESS_AUDIT)
ISOLATION = ledger_runners bulk_skip bulk_parents online_runners bulk_upsert_wait \
	bulk_upsert_race bulk_ddl bulk_levels bulk_delete_wait bulk_retry_race bulk_pins
REGRESS_OPTS = --load-extension=pg_purser
ISOLATION_OPTS = --load-extension=pg_purser
# TAP tests start servers of their own, which root may not, and need a Perl module (Debian:
# libipc-run-perl); without these installcheck runs the others and says so.
ifeq ($(shell test "$$(id -u)" != 0 && perl -MIPC::Run -e 1 2>/dev/null && echo yes),yes)
TAP_TESTS = 1
else ifneq ($(filter installcheck,$(MAKECMDGOALS)),)
$(info installcheck: without the TAP tests, which need the Perl module IPC::Run and a user other than root)
endif
# The tests use names and values outside ASCII, and sort.
ENCODING = UTF8
NO_LOCALE = 1

# -isystem keeps the server's headers out of our warnings.
PG_CPPFLAGS = -I$(here)src -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-DPG_PURSER_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -Wall -Wextra -fvisibility=hidden $(EXTRA_CFLAGS)

# Libraries that unpack files, where they are there with their headers; WITH_ZLIB= and WITH_ZSTD=
# build without.
have_header = $(shell $$($(PG_CONFIG) --cc) -E -x c -include $(1) /dev/null >/dev/null 2>&1 && echo yes)
WITH_ZLIB := $(call have_header,zlib.h)
WITH_ZSTD := $(call have_header,zstd.h)
ifneq ($(WITH_ZLIB),)
PG_CPPFLAGS += -DPURSER_WITH_ZLIB
SHLIB_LINK += -lz
endif
ifneq ($(WITH_ZSTD),)
PG_CPPFLAGS += -DPURSER_WITH_ZSTD
SHLIB_LINK += -lzstd
endif

include $(PGXS)

ifdef VPATH
$(shell mkdir -p $(sort $(dir $(OBJS))))
endif

HEADERS_ALL := $(wildcard $(srcdir)/src/*.h $(srcdir)/src/*/*.h $(srcdir)/src/*/*/*.h)
$(OBJS): $(HEADERS_ALL) pg_purser.control

pg_purser--$(EXTVERSION).sql: $(INSTALL_SQL)
	cat $^ > $@

endif
