#!/bin/sh
# PostgreSQL's image runs this once, when its volume is new. The product gets a role that owns its database and is no
# superuser. The superuser gets no password: it signs in only at the server's own socket, inside the container.
set -e
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" <<'SQL'
\getenv password POSTGRES_PASSWORD
\getenv superuser POSTGRES_USER
CREATE ROLE orchestrator LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION PASSWORD :'password';
ALTER DATABASE orchestrator OWNER TO orchestrator;
REVOKE ALL ON DATABASE orchestrator, postgres, template1 FROM PUBLIC;
ALTER ROLE :"superuser" PASSWORD NULL;
SQL
