-- schedule: dropping the extension takes its job of pg_cron along.  There is no OR REPLACE.

CREATE EVENT TRIGGER augur_drop ON ddl_command_start WHEN tag IN ('DROP EXTENSION', 'DROP OWNED')
EXECUTE FUNCTION augur._extension_drop();
COMMENT ON EVENT TRIGGER augur_drop IS
'Before DROP EXTENSION augur, or DROP OWNED by its owner: removes the job of pg_cron that calls augur.tick(). Other commands pass.';
