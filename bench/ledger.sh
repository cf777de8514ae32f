#!/bin/bash
# ledger.sh [ROUNDS [ROUNDS_OF_SLOW_TOOLS]]
#
# What the ledger costs, as one markdown table: 1,000 revisions of one small statement each, up and
# down, beside psql -1 -f with the same statements, Alembic and Django migrate (where installed), in
# rounds that take turns; plans of 10,000 and 30,000 revisions; upgrades with nothing to do; adding
# revisions. Times are medians of the rounds, and of the whole command, its start included;
# "times psql" is the median of a time divided by that of psql in the same round, and in brackets
# the same of the server's processor time; after the time of a call, its own. Files are loaded once,
# and memory counts the shared buffers that the process touched. Needs psql, a superuser on
# the server's machine and pg_purser installed:   scripts/with-server bench/ledger.sh 7 3
set -euo pipefail
rounds=${1:-7} slow_rounds=${2:-3}
revisions=1000 graph=10000
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
export PGOPTIONS='-c client_min_messages=warning' PYTHONDONTWRITEBYTECODE=
postmaster=$(head -1 "$(psql -X -At -d postgres -c 'SHOW data_directory')/postmaster.pid")
python=$(PATH=/usr/bin:$PATH type -P python3 || true)
has() { [ -n "$python" ] && "$python" -c "import psycopg2, $1" 2>/dev/null; }

# ---- the statements: for each table a CREATE TABLE, two ADD COLUMN and a CREATE INDEX ----

statement() { # up|down NUMBER
	local table
	table=t_$(($2 / 4))
	case $1$(($2 % 4)) in
	up0) echo "CREATE TABLE $table (id bigint PRIMARY KEY, name text NOT NULL, at timestamptz)" ;;
	up1) echo "ALTER TABLE $table ADD COLUMN note text" ;;
	up2) echo "CREATE INDEX ${table}_name ON $table (name)" ;;
	up3) echo "ALTER TABLE $table ADD COLUMN amount integer NOT NULL DEFAULT 0" ;;
	down0) echo "DROP TABLE $table" ;;
	down1) echo "ALTER TABLE $table DROP COLUMN note" ;;
	down2) echo "DROP INDEX ${table}_name" ;;
	down3) echo "ALTER TABLE $table DROP COLUMN amount" ;;
	esac
}

write_files() { # for each way, in a folder of its name
	local i up down id last=
	mkdir -p "$work"/{psql,purser,alembic/versions,django/shop/migrations}
	touch "$work"/django/shop/{,migrations/}__init__.py
	for ((i = 0; i < revisions; i++)); do
		up=$(statement up $i) down=$(statement down $i) id=$(printf 'r%04d' $i)
		echo "$up;" >>"$work/psql/up.sql"
		echo "$down;" >>"$work/psql/down.reversed"
		printf -- '-- purser: %s\n' "revision $id" "parents ${last:-none}" "message $id" upgrade >"$work/purser/$id.sql"
		printf '%s;\n-- purser: downgrade\n%s;\n' "$up" "$down" >>"$work/purser/$id.sql"
		cat >"$work/alembic/versions/$id.py" <<-PYTHON
			from alembic import op
			revision, down_revision = "$id", ${last:+\"}${last:-None}${last:+\"}
			def upgrade(): op.execute("$up")
			def downgrade(): op.execute("$down")
		PYTHON
		cat >"$work/django/shop/migrations/$id.py" <<-PYTHON
			from django.db import migrations
			class Migration(migrations.Migration):
			    dependencies = [${last:+(\"shop\", \"$last\")}]
			    operations = [migrations.RunSQL("$up", "$down")]
		PYTHON
		last=$id
	done
	tac "$work/psql/down.reversed" >"$work/psql/down.sql"
	printf '%s\n' '[alembic]' "script_location = $work/alembic" >"$work/alembic/alembic.ini"
	cat >"$work/alembic/env.py" <<-'PYTHON'
		from alembic import context
		from sqlalchemy import create_engine
		with create_engine("postgresql+psycopg2:///bench_alembic").connect() as connection:
		    context.configure(connection=connection)
		    with context.begin_transaction():
		        context.run_migrations()
	PYTHON
	cat >"$work/django/settings.py" <<-'PYTHON'
		INSTALLED_APPS, SECRET_KEY, USE_TZ = ["shop"], "none", True
		DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", "NAME": "bench_django"}}
	PYTHON
}

# ---- each way up and down; a database for each ----

sql() { psql -X -q -At -v ON_ERROR_STOP=1 "$@"; }
run_psql() { sql -1 -d bench_psql -f "$work/psql/$1.sql"; }
run_purser() {
	case $1 in
	up) sql -d bench_purser -c "SELECT count(*) FROM purser.upgrade()" ;;
	down) sql -d bench_purser -c "SELECT count(*) FROM purser.downgrade('base')" ;;
	esac
}
run_alembic() {
	case $1 in up) set -- upgrade head ;; down) set -- downgrade base ;; esac
	"$python" -m alembic.config -c "$work/alembic/alembic.ini" "$@"
}
run_django() {
	case $1 in up) set -- shop ;; down) set -- shop zero ;; esac
	PYTHONPATH=$work/django "$python" -m django migrate --settings=settings -v 0 "$@"
}

cpu() { awk '{ print $16 + $17 }' "/proc/$postmaster/stat"; } # ticks of the sessions that have ended

timed() { # ROUND WAY DIRECTION
	local ticks began ended
	ticks=$(cpu)
	began=${EPOCHREALTIME/./}
	"run_$2" "$3" >"$work/output" 2>&1 || { cat "$work/output" >&2; exit 1; }
	ended=${EPOCHREALTIME/./}
	while [ -n "$(sql -d postgres -c "SELECT pid FROM pg_stat_activity WHERE datname = 'bench_$2'")" ]; do :; done
	echo "$1 $2 $3 $((ended - began)) $(($(cpu) - ticks))" >>"$work/times"
	sql -d "bench_$2" -c VACUUM # what this one left in the catalogues
}

compare() {
	local round way ways=(psql purser) slow=()
	if has alembic; then slow+=(alembic); else echo "ledger.sh: without Alembic, which is not installed" >&2; fi
	if has django; then slow+=(django); else echo "ledger.sh: without Django, which is not installed" >&2; fi
	for way in "${ways[@]}" "${slow[@]}"; do
		sql -d postgres -c "CREATE DATABASE bench_$way"
		sql -d "bench_$way" -c 'CREATE EXTENSION pg_purser'
	done
	sql -d bench_purser -c "SELECT count(*) FROM purser.load_directory('$work/purser')" >"$work/output"
	for ((round = -2; round <= rounds; round++)); do # those up to 0 warm up
		[ $((round % 2)) = 0 ] && ways=(psql purser) || ways=(purser psql)
		[ "$round" -lt 0 ] || [ "$round" -gt "$slow_rounds" ] || ways+=("${slow[@]}")
		for way in "${ways[@]}"; do timed "$round" "$way" up; timed "$round" "$way" down; done
	done
}

# ---- one call: milliseconds on the server, and the growth of its process ----

prepare_graph() { # DATABASE PROCEDURE-BODY
	sql -d postgres -c "CREATE DATABASE $1"
	sql -d "$1" -v body="$2" <<-'SQL'
		CREATE EXTENSION pg_purser;
		CREATE FUNCTION cpu() RETURNS numeric LANGUAGE sql AS
		$$ SELECT split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1000000 $$;
		-- Milliseconds that the command takes, and of processor time.
		CREATE FUNCTION ms(command text, OUT ms numeric, OUT processor numeric) LANGUAGE plpgsql AS $$
		DECLARE began timestamptz := clock_timestamp();
		BEGIN
			processor := cpu();
			EXECUTE command;
			processor := round(cpu() - processor, 1);
			ms := round(1000 * extract(epoch FROM clock_timestamp() - began), 1);
		END $$;
		-- The most memory that the backend ever had, pages of shared buffers that it touched included.
		CREATE FUNCTION peak() RETURNS numeric LANGUAGE sql AS
		$$ SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s*(\d+)')::numeric / 1024 $$;
		CREATE FUNCTION id(i int) RETURNS text LANGUAGE sql AS $$ SELECT 'r' || lpad(i::text, 6, '0') $$;
		SELECT format('CREATE PROCEDURE fill(n int) LANGUAGE plpgsql AS %L', :'body') \gexec
	SQL
}

median() { sort -n | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }
row() { printf '| %s | %s | %s | %s |\n' "$1" "$2" "$3" "${4-}"; }

report_call() { # WHAT DATABASE COMMAND: medians of its first time in a session, and of the second
	local i
	rm -f "$work/calls"
	for ((i = 0; i < rounds; i++)); do
		sql -d "$2" -v command="$3" <<-'SQL' | paste -sd'|' >>"$work/calls"
			SELECT peak() AS before \gset
			SELECT * FROM ms(:'command');
			SELECT * FROM ms(:'command');
			SELECT round(peak() - :before, 1);
		SQL
	done
	column() { cut -d'|' -f"$1" "$work/calls" | median; }
	row "$1" "first call of a session" "$(column 1) ms ($(column 2)), at most $(column 5) MB"
	row "" "second call" "$(column 3) ms ($(column 4))"
}

chain="BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM purser.add_revision('step', 'SELECT ' || i, 'SELECT ' || i, id(i));
		COMMIT;
	END LOOP;
END"
diamonds="DECLARE top text[] := '{}';
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM purser.add_revision('left', 'SELECT ' || i, 'SELECT ' || i, 'left' || i, top);
		PERFORM purser.add_revision('right', 'SELECT ' || i, 'SELECT ' || i, 'right' || i, top);
		top := ARRAY[id(i)];
		PERFORM purser.add_revision('merge', '', '', id(i), ARRAY['left' || i, 'right' || i]);
	END LOOP;
END"

plans() {
	local thousand
	prepare_graph bench_chain "$chain"
	sql -d bench_chain >"$work/thousands" <<-SQL
		CREATE TABLE thousand (n int, ms numeric);
		DO \$\$ DECLARE began timestamptz;
		BEGIN
			FOR n IN 1 .. $graph / 1000 LOOP
				began := clock_timestamp();
				FOR i IN 1 .. 1000 LOOP
					PERFORM purser.add_revision('step', 'SELECT 1', 'SELECT 1', id(n * 1000 + i));
					COMMIT;
				END LOOP;
				INSERT INTO thousand VALUES (n, round(1000 * extract(epoch FROM clock_timestamp() - began)));
			END LOOP;
		END \$\$;
		SELECT ms FROM thousand ORDER BY n;
		DROP TABLE thousand;
		VACUUM ANALYZE;
	SQL
	prepare_graph bench_diamonds "$diamonds"
	sql -d bench_diamonds -c "CALL fill($graph)" -c 'VACUUM ANALYZE'
	report_call "plan('upgrade', 'heads'), $graph in a chain" bench_chain "SELECT count(*) FROM purser.plan('upgrade', 'heads')"
	report_call "plan('upgrade', 'heads'), $graph chained diamonds" bench_diamonds "SELECT count(*) FROM purser.plan('upgrade', 'heads')"
	sql -d bench_diamonds -c 'SELECT count(*) FROM purser.stamp('\''heads'\'')' -c 'VACUUM ANALYZE' >"$work/output"
	report_call "plan('downgrade', 'base') of the same" bench_diamonds "SELECT count(*) FROM purser.plan('downgrade', 'base')"
	prepare_graph bench_few "$chain"
	sql -d bench_few -c "CALL fill($revisions)" -c 'SELECT count(*) FROM purser.upgrade()' -c 'VACUUM ANALYZE' >"$work/output"
	report_call "upgrade() with nothing to do, $revisions revisions" bench_few "SELECT count(*) FROM purser.upgrade()"
	row "add_revision() without parents, one transaction each" "the first 1,000" "$(head -1 "$work/thousands") ms"
	row "" "the last 1,000 of $graph" "$(tail -1 "$work/thousands") ms"
}

load() { sql -d bench_files -c "SELECT format('%s ms (%s)', ms, processor) FROM ms('SELECT count(*) FROM purser.load_directory(''$work/files'')')"; }

directories() {
	local n i parent
	for n in $((graph / 10)) $graph; do
		sql -d postgres -c 'DROP DATABASE IF EXISTS bench_files'
		prepare_graph bench_files "$chain"
		rm -rf "$work/files"; mkdir "$work/files"
		for ((i = 1, parent = 0; i <= n; parent = i, i++)); do
			printf -- '-- purser: %s\n' "revision r$i" "parents r$parent" "message step" upgrade >"$work/files/r$i.sql"
			echo "SELECT $i;" >>"$work/files/r$i.sql"
		done
		sed -i 's/parents r0/parents none/' "$work/files/r1.sql"
		row "load_directory(), $n files" "all new" "$(load)"
		row "" "all there" "$(load)"
	done
}

cleanup() {
	local database
	for database in psql purser alembic django chain diamonds few files; do
		sql -d postgres -c "DROP DATABASE IF EXISTS bench_$database"
	done
}

times_psql() { # COLUMN WAY DIRECTION: the median of what WAY took to what psql took
	awk -v column="$1" -v way="$2" -v direction="$3" '$1 <= 0 || $3 != direction { next }
		$2 == "psql" { psql[$1] = $column } $2 == way { own[$1] = $column }
		END { for (round in own) print own[round] / psql[round] }' "$work/times" | median | xargs printf %.2f
}

report_comparison() {
	local direction way
	for direction in up down; do
		for way in psql purser alembic django; do
			awk -v way=$way -v direction=$direction '$1 > 0 && $2 == way && $3 == direction { print $4 / 1000 }' \
				"$work/times" >"$work/own"
			[ -s "$work/own" ] || continue
			row "$revisions small DDL statements, $direction" "$(label $way)" "$(median <"$work/own" | xargs printf %.0f) ms" \
				"$(times_psql 4 $way $direction) ($(times_psql 5 $way $direction))"
		done
	done
}

label() {
	case $1 in
	psql) echo 'psql -1 -f' ;;
	purser) [ "${direction-}" = up ] && echo 'purser.upgrade()' || echo 'purser.downgrade()' ;;
	alembic) "$python" -c 'import alembic; print("Alembic", alembic.__version__)' ;;
	django) "$python" -c 'import django; print("Django", django.get_version())' ;;
	esac
}

cleanup
write_files
compare
echo "| what | how | took | times psql |"
echo "|---|---|---|---|"
report_comparison
plans
directories
cleanup
