-- purser: revision big_orders
-- purser: repeatable
-- purser: message the orders that somebody should look at
-- purser: depends 0013_orders_cents
-- purser: upgrade
CREATE OR REPLACE VIEW big_orders AS SELECT * FROM orders WHERE cents > 40000;
-- purser: downgrade
DROP VIEW big_orders;
