-- purser: revision 0011_users_country
-- purser: parents 0010_merge
-- purser: message add users.country
-- purser: upgrade
ALTER TABLE users ADD COLUMN country text NOT NULL DEFAULT 'unknown';
-- purser: downgrade
ALTER TABLE users DROP COLUMN country;
-- purser: verify
SELECT country FROM users LIMIT 0;
