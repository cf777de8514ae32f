\pset format wrapped
\pset columns 110
SELECT rule, relation, columns, occurrences AS seen, rows_read, rows_returned, round(wasted_ms::numeric, 1) AS wasted_ms
FROM purser.findings ORDER BY rule, relation;
