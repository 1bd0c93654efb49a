/**
 * At most this many bytes of a value go to a column; longer values are whole in the MAP. If DuckDB has to store a
 * longer text outside of a column that may be NULL, it reads that text again for each NULL behind it: 100 MB for a text
 * of 84 KB.
 */
export const columnBytes = 16_000;

/** Whether only the beginning of a text goes to its column. */
export function isLongText(text: string): boolean {
  // No character takes more than three bytes.
  return text.length * 3 > columnBytes && Buffer.byteLength(text) > columnBytes;
}

/** The part of a text that goes to a column. */
export function cutText(text: string): string {
  if (!isLongText(text)) return text;
  const bytes = Buffer.from(text);
  return bytes.toString('utf8', 0, cutBytes(bytes, 0, bytes.length));
}

/** Where the part of a text that goes to a column ends: not within a character. */
export function cutBytes(bytes: Buffer, start: number, end: number): number {
  let cut = Math.min(end, start + columnBytes);
  while (cut < end && cut > start && ((bytes[cut] ?? 0) & 0xc0) === 0x80) cut -= 1;
  return cut;
}
