-- purser: revision 0013_orders_cents
-- purser: parents 0012_task_due_date
-- purser: message add orders.cents
-- purser: upgrade
ALTER TABLE orders ADD COLUMN cents bigint;
-- purser: downgrade
ALTER TABLE orders DROP COLUMN cents;
