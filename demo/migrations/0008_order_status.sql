-- purser: revision 0008_order_status
-- purser: parents 0004_users_email
-- purser: message change orders.status from a number to a word
-- purser: upgrade
ALTER TABLE orders
    ALTER COLUMN status DROP DEFAULT,
    ALTER COLUMN status TYPE text
        USING CASE status
            WHEN 0 THEN 'new' WHEN 1 THEN 'paid' WHEN 2 THEN 'shipped' ELSE 'cancelled' END,
    ALTER COLUMN status SET DEFAULT 'new';
-- purser: downgrade
ALTER TABLE orders
    ALTER COLUMN status DROP DEFAULT,
    ALTER COLUMN status TYPE smallint
        USING CASE status WHEN 'new' THEN 0 WHEN 'paid' THEN 1 WHEN 'shipped' THEN 2 ELSE 3 END,
    ALTER COLUMN status SET DEFAULT 0;
-- purser: verify
DO $$
BEGIN
    IF EXISTS (SELECT FROM orders WHERE status NOT IN ('new', 'paid', 'shipped', 'cancelled')) THEN
        RAISE EXCEPTION 'an order has an unknown status';
    END IF;
END
$$;
