-- What the audit saw, worst first; then what to do about it.
SELECT rule, relation, columns, occurrences AS seen, rows_read, rows_returned AS returned,
    round(wasted_ms::numeric, 1) AS wasted_ms
FROM purser.findings ORDER BY wasted_ms DESC NULLS LAST, rule, relation;

\pset format unaligned
\pset tuples_only on
SELECT format(E'%s: %s\n    %s\n', rule, left(regexp_replace(query, '\s+', ' ', 'g'), 90), suggestion)
FROM purser.findings WHERE rule <> 'missing_index' ORDER BY rule, relation;

\qecho Indexes to create:
SELECT '    ' || suggestion FROM purser.findings WHERE rule = 'missing_index'
ORDER BY wasted_ms DESC;
