-- purser: revision 0015_orders_cents_idx
-- purser: parents 0014_fill_cents
-- purser: message index orders.cents while orders come in
-- purser: upgrade
CREATE INDEX CONCURRENTLY orders_cents_idx ON orders (cents);
-- purser: downgrade
DROP INDEX CONCURRENTLY orders_cents_idx;
