import { sameBytes } from './growing-bytes.ts';

const longestInterned = 256;
const internSlots = 8192;
const internedBytes = Buffer.alloc(internSlots * longestInterned);
const internedLengths = new Uint16Array(internSlots);
const internedTexts: string[] = Array.from<string>({ length: internSlots }).fill('');

/**
 * The same string for the same bytes, mostly without decoding them, because keys, names and most values of telemetry
 * repeat. A fixed table in which the last string of a slot wins, so it cannot grow; longer strings hardly repeat.
 */
export function internedText(bytes: Buffer, start: number, end: number): string {
  const length = end - start;
  if (length === 0) return '';
  if (length > longestInterned) return bytes.toString('utf8', start, end);
  // The hash covers the first bytes and the last ones, because keys of one namespace begin alike, and statements end
  // alike.
  let hash = length;
  const headEnd = Math.min(end, start + 8);
  for (let index = start; index < headEnd; index += 1) hash = (Math.imul(hash, 31) + (bytes[index] ?? 0)) | 0;
  for (let index = Math.max(headEnd, end - 12); index < end; index += 1) {
    hash = (Math.imul(hash, 31) + (bytes[index] ?? 0)) | 0;
  }
  const slot = (hash ^ (hash >>> 15)) & (internSlots - 1);
  const base = slot * longestInterned;
  if (internedLengths[slot] === length && sameBytes(internedBytes, base, bytes, start, length))
    return internedTexts[slot] ?? '';
  const text = bytes.toString('utf8', start, end);
  for (let index = 0; index < length; index += 1) internedBytes[base + index] = bytes[start + index] ?? 0;
  internedLengths[slot] = length;
  internedTexts[slot] = text;
  return text;
}
