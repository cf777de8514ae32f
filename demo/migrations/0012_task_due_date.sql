-- purser: revision 0012_task_due_date
-- purser: parents 0011_users_country
-- purser: message add tasks.due_on and a view of what is late
-- purser: upgrade
ALTER TABLE tasks ADD COLUMN due_on date;
CREATE VIEW late_tasks AS
SELECT t.id, t.title, t.due_on, u.name AS user_name
FROM tasks t LEFT JOIN users u ON u.id = t.user_id
WHERE NOT t.done AND t.due_on < current_date;
-- purser: downgrade
DROP VIEW late_tasks;
ALTER TABLE tasks DROP COLUMN due_on;
-- purser: verify
SELECT id, due_on FROM late_tasks LIMIT 0;
