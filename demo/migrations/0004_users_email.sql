-- purser: revision 0004_users_email
-- purser: parents 0003_orders
-- purser: message rename users.mail to email
-- purser: upgrade
ALTER TABLE users RENAME COLUMN mail TO email;
ALTER TABLE users RENAME CONSTRAINT users_mail_key TO users_email_key;
-- purser: downgrade
ALTER TABLE users RENAME CONSTRAINT users_email_key TO users_mail_key;
ALTER TABLE users RENAME COLUMN email TO mail;
-- purser: verify
SELECT email FROM users LIMIT 0;
