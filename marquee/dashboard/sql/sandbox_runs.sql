-- Which day and batch of the sandboxes a warehouse has; `cli/demo.py` reads the commands.
SELECT job, command, status
FROM ops.run_log
WHERE job IN ('tmdb', 'studio') AND CONTAINS(command, '--sandbox')
