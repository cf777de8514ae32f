# pg_purser
#
# With a server of your own:  make, make install, make installcheck  [PG_CONFIG=/path/to/pg_config]
# With nothing but git and make:  make demo, make check   (they install what is missing, and say so)

here := $(dir $(firstword $(MAKEFILE_LIST)))
own_commands := demo check lint dist

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

OBJS_SHARED = src/shared/arguments.o src/shared/owner_query.o
OBJS_LEDGER = $(addprefix src/ledger/ledger_, backfill.o batch.o deferred.o files.o format.o functions.o graph.o \
	journal.o load.o looks.o outside.o plan.o revision.o run.o script.o step.o store.o target.o)
OBJS_ONLINE = $(addprefix src/online/online_, migrate.o transaction.o) $(OBJS_BACKFILL)
OBJS_BACKFILL = $(addprefix src/online/online_, settings.o backfill.o batch.o control.o cut.o key.o \
	keyset.o portal.o progress.o throttle.o)
OBJS_BULK = $(addprefix src/bulk/bulk_, functions.o load.o target.o context.o csv.o json.o \
	jsonb.o coerce.o nested.o sight.o writer.o conflict.o)
OBJS_AUDIT = src/audit/audit.o $(addprefix src/audit/audit_, hooks.o screen.o tap.o judge.o plan.o \
	index.o rules.o nplus1.o local.o table.o store.o board.o finds.o workers.o suggest.o views.o)
OBJS = src/pg_purser.o $(OBJS_SHARED) $(OBJS_LEDGER) $(OBJS_ONLINE) $(OBJS_BULK) $(OBJS_AUDIT)

INSTALL_SQL = sql/pg_purser.sql $(addprefix sql/pg_purser_, ledger.sql backfill.sql online.sql bulk.sql audit.sql)
DATA = $(wildcard $(here)sql/pg_purser--*--*.sql)
DATA_built = pg_purser--$(EXTVERSION).sql

REGRESS_LEDGER = ledger_basic ledger_targets ledger_format ledger_scripts ledger_privileges ledger_demo
REGRESS_BULK = bulk_insert bulk_csv bulk_json bulk_trigger bulk_conflict bulk_privilege
REGRESS_AUDIT = audit_counts audit_missing_index audit_results audit_n_plus_one audit_access
REGRESS_ONLINE = online_backfill
REGRESS = setup $(REGRESS_LEDGER) $(REGRESS_ONLINE) $(REGRESS_BULK) $(REGRESS_AUDIT)
ISOLATION = ledger_runners bulk_skip
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
PG_CFLAGS = -Wall -Wextra $(EXTRA_CFLAGS)

include $(PGXS)

ifdef VPATH
$(shell mkdir -p $(sort $(dir $(OBJS))))
endif

HEADERS_ALL := $(wildcard $(srcdir)/src/*.h $(srcdir)/src/*/*.h)
$(OBJS): $(HEADERS_ALL) pg_purser.control

pg_purser--$(EXTVERSION).sql: $(INSTALL_SQL)
	cat $^ > $@

endif
