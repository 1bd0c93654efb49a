-- A read that takes too long: the same error, with the same SQLSTATE, as a statement that runs into statement_timeout.
CREATE FUNCTION time_out(milliseconds double precision) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_sleep(milliseconds / 1000.0);
  RAISE EXCEPTION USING ERRCODE = 'query_canceled', MESSAGE = 'canceling statement due to statement timeout';
END $$;
