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

EXTENSION = pg_purser
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" $(here)pg_purser.control)
MODULE_big = pg_purser
PGFILEDESC = "pg_purser - migration ledger, bulk loading and query audit"

OBJS_SHARED =
OBJS_LEDGER = src/ledger/ledger.o
OBJS_BULK = src/bulk/bulk.o
OBJS_AUDIT = $(addprefix src/audit/audit, .o _hooks.o _screen.o _tap.o _judge.o _plan.o _index.o \
	_rules.o _nplus1.o _local.o _table.o _store.o _board.o _finds.o _workers.o _suggest.o _views.o)
OBJS = src/pg_purser.o $(OBJS_SHARED) $(OBJS_LEDGER) $(OBJS_BULK) $(OBJS_AUDIT)

DATA = $(wildcard $(here)sql/pg_purser--*--*.sql)
DATA_built = pg_purser--$(EXTVERSION).sql

REGRESS_LEDGER =
REGRESS_BULK =
REGRESS_AUDIT = audit_counts audit_missing_index audit_results audit_n_plus_one audit_access
REGRESS = setup $(REGRESS_LEDGER) $(REGRESS_BULK) $(REGRESS_AUDIT)
REGRESS_OPTS = --load-extension=pg_purser
ISOLATION =
ISOLATION_OPTS = --load-extension=pg_purser
TAP_TESTS = 1

# -isystem keeps the server's headers out of our warnings.
PG_CPPFLAGS = -I$(here)src -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-DPG_PURSER_VERSION='"$(EXTVERSION)"'
PG_CFLAGS = -Wall -Wextra $(EXTRA_CFLAGS)

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

ifdef VPATH
$(shell mkdir -p $(sort $(dir $(OBJS))))
endif

HEADERS_ALL := $(wildcard $(srcdir)/src/*.h $(srcdir)/src/*/*.h)
$(OBJS): $(HEADERS_ALL) pg_purser.control

pg_purser--$(EXTVERSION).sql: sql/pg_purser.sql
	cp $< $@

endif
