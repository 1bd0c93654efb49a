/** Shortens long texts by the parts that they share, so that the differences are visible. Pure. */

/** Shorter texts stand as they are: there is room for them. */
const longText = 60;
/** How many characters of the shared beginning are kept, to show where the texts come from. */
const headLength = 14;
/** Two texts must share at least this much for it to be worth leaving out. */
const leastShared = 32;

/**
 * `SELECT c.id, c.name, … JOIN ledger l …`: of a text that begins like another one, the first words, and the text from
 * the point at which the two differ. @returns the short text of each.
 */
export function distinguish(texts: readonly string[]): Map<string, string> {
  const sorted = [...new Set(texts)].toSorted();
  return new Map(
    sorted.map((text, index) => {
      const shared = Math.max(sharedStart(text, sorted[index - 1] ?? ''), sharedStart(text, sorted[index + 1] ?? ''));
      return [text, text.length > longText && shared >= leastShared ? shorten(text, shared) : text];
    }),
  );
}

function sharedStart(a: string, b: string): number {
  let length = 0;
  while (length < a.length && a[length] === b[length]) length += 1;
  return length;
}

/** Cuts between words, so that the first word that differs is whole. */
function shorten(text: string, shared: number): string {
  const headEnd = text.slice(0, headLength + 1).search(/\s\S*$/);
  const word = text.slice(0, shared).search(/\S+\s*$/);
  const head = headEnd > 0 ? text.slice(0, headEnd) : text.slice(0, 2 * headLength);
  // A text without words, such as an address, is cut where the difference begins.
  const tail = text.slice(word > headLength ? word : shared);
  return `${head} … ${tail}`;
}
