/**
 * How many rows a group of a table of the file has. A quarter of DuckDB's own: a checkpoint writes the last group of each
 * table anew, every few seconds, and retention frees whole groups alone.
 */
export const rowGroupSize = 30_720;
