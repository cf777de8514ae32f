-- purser: revision 0014_fill_cents
-- purser: parents 0013_orders_cents
-- purser: message fill orders.cents, a few thousand rows at a time
-- purser: batch table orders key id size 5000
-- purser: upgrade
UPDATE orders SET cents = quantity * unit_price * 100;
-- purser: downgrade
-- purser: verify
DO $$
BEGIN
    IF EXISTS (SELECT FROM orders WHERE cents IS NULL) THEN
        RAISE EXCEPTION 'an order has no cents';
    END IF;
END
$$;
