-- Bytes of the file's blocks in use; freed ones do not count, since a file never shrinks.
SELECT (used_blocks * block_size)::DOUBLE AS used_bytes
FROM pragma_database_size()
WHERE database_name = 'store';
