-- Three revisions that a busy table can bear, and a view that is made anew when its file changes.
SELECT count(*) AS revisions_loaded FROM purser.load_directory(:'online');
CALL purser.migrate();

SELECT revision, rows_done, batches, batch_size AS last_batch_size, state FROM purser.backfills;
SELECT indexrelid::regclass AS index, indisvalid AS valid FROM pg_index
WHERE indexrelid = 'orders_cents_idx'::regclass;
SELECT revision AS current, message FROM purser.current();
SELECT count(*) AS faults_of_the_ledger FROM purser.check_ledger();
