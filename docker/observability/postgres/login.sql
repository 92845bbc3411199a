-- Makes the login that figures of PostgreSQL are read with: it sees those of the server, and no table. Executed again, it
-- gives it the password in /metrics-secrets.
\set password `cat /metrics-secrets/metrics-password`
SELECT 'CREATE ROLE registration_metrics'
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'registration_metrics') \gexec
ALTER ROLE registration_metrics LOGIN CONNECTION LIMIT 5 PASSWORD :'password';
GRANT pg_monitor TO registration_metrics;
