const hexDigits = Buffer.from('0123456789abcdef');
/** Shorter texts are copied byte by byte, because a call costs more. */
const shortText = 64;

/** Bytes that are appended to. */
export interface Growing {
  bytes: Buffer;
  length: number;
}

const firstBytes = 2 ** 12;
/** A larger buffer is given back when it is emptied for the next user. */
const keptBytes = 2 ** 20;

export function createGrowing(): Growing {
  return { bytes: Buffer.allocUnsafeSlow(firstBytes), length: 0 };
}

/** Empties it. */
export function shrink(growing: Growing): void {
  if (growing.bytes.length > keptBytes) growing.bytes = Buffer.allocUnsafeSlow(firstBytes);
  growing.length = 0;
}

/** Makes room for this many more bytes. */
export function reserve(growing: Growing, more: number): void {
  if (growing.length + more <= growing.bytes.length) return;
  const larger = Buffer.allocUnsafeSlow(Math.max(growing.bytes.length * 2, growing.length + more));
  growing.bytes.copy(larger, 0, 0, growing.length);
  growing.bytes = larger;
}

/** A text as UTF-8. */
export function appendText(growing: Growing, text: string): void {
  reserve(growing, text.length * 3);
  if (text.length <= shortText && appendAscii(growing, text)) return;
  growing.length += growing.bytes.write(text, growing.length);
}

/** False, with nothing appended, if the text is not ASCII. There must be room. */
export function appendAscii(growing: Growing, text: string): boolean {
  const { bytes, length } = growing;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code > 127) return false;
    bytes[length + index] = code;
  }
  growing.length = length + text.length;
  return true;
}

/** Copies bytes, and tells whether a certain one is among them. There must be room. */
export function append(growing: Growing, from: Buffer, start: number, end: number, wanted: number): boolean {
  const { bytes } = growing;
  let at = growing.length;
  growing.length += end - start;
  if (end - start > shortText) {
    from.copy(bytes, at, start, end);
    return bytes.subarray(at, growing.length).includes(wanted);
  }
  let found = false;
  for (let index = start; index < end; index += 1) {
    const byte = from[index] ?? 0;
    if (byte === wanted) found = true;
    bytes[at] = byte;
    at += 1;
  }
  return found;
}

/** There must be room. */
export function appendByte(growing: Growing, byte: number): void {
  growing.bytes[growing.length] = byte;
  growing.length += 1;
}

/** Bytes as lower-case hex. There must be room. */
export function appendHex(growing: Growing, from: Buffer, start: number, end: number): void {
  const { bytes } = growing;
  let at = growing.length;
  for (let index = start; index < end; index += 1) {
    const byte = from[index] ?? 0;
    bytes[at] = hexDigits[byte >> 4] ?? 0;
    bytes[at + 1] = hexDigits[byte & 15] ?? 0;
    at += 2;
  }
  growing.length = at;
}

/** Whether `length` bytes from two places on are the same. */
export function sameBytes(left: Buffer, leftStart: number, right: Buffer, rightStart: number, length: number): boolean {
  for (let index = 0; index < length; index += 1)
    if (left[leftStart + index] !== right[rightStart + index]) return false;
  return true;
}
