/**
 * What may come next in a filter, at the caret: a key, an operator, a value, or a word that joins conditions. More
 * lenient than the parser, because a filter that is being typed is unfinished. Pure.
 */

export interface Expected {
  kind: 'key' | 'operator' | 'value' | 'joiner';
  /** The key whose operator or value is due, as it is written; '' if a key or a joiner is due. */
  key: string;
  /** What has been typed of it, without quotes. */
  prefix: string;
  /** The part of the text that a completion replaces. */
  start: number;
  end: number;
}

const token = /"(?:[^"\\]|\\.)*"?|!(?!=)[a-z]*|[A-Za-z_][\w.-]*|-?\d[\w.µ]*|<=|>=|!=|[=<>(),]|\S/gi;

export function expectedAt(text: string, caret: number): Expected {
  const tokens = [...text.slice(0, caret).matchAll(token)].map((match) => ({ text: match[0], start: match.index }));
  const last = tokens.at(-1);
  const touches = last !== undefined && last.start + last.text.length === caret && isPartial(last.text);
  if (touches) tokens.pop();
  let kind: Expected['kind'] = 'key';
  let key = '';
  let inList = false;
  for (const each of tokens) {
    const word = each.text.toLowerCase();
    if (kind === 'key') {
      if (word === '(' || word === 'not') continue;
      key = each.text;
      kind = 'operator';
    } else if (kind === 'operator') {
      if (word === 'not') continue;
      inList = word === 'in' || word === '!in';
      kind = word === 'exists' || word === '!exists' ? 'joiner' : 'value';
    } else if (kind === 'value') {
      if (word !== '(') kind = 'joiner';
    } else if (word === ',' && inList) {
      kind = 'value';
    } else if (word === ')') {
      inList = false;
    } else if (word === 'and' || word === 'or') {
      kind = 'key';
      key = '';
    }
  }
  const prefix = touches ? unquote(last.text) : '';
  return {
    kind,
    key: kind === 'operator' || kind === 'value' ? key : '',
    prefix,
    start: touches ? last.start : caret,
    end: caret,
  };
}

/** Whether a token may still be going on: a finished quote and a sign may not. */
function isPartial(text: string): boolean {
  if (text.startsWith('"')) return text.length === 1 || !/^"(?:[^"\\]|\\.)*"$/.test(text);
  return /^[A-Za-z_!\d-]/.test(text);
}

function unquote(text: string): string {
  return text.startsWith('"') ? text.replace(/^"|"$/g, '').replace(/\\(.)/g, '$1') : text;
}

/** The text with a completion in its place, a space after it, and the caret behind that. */
export function complete(text: string, expected: Expected, completion: string): { text: string; caret: number } {
  const after = text.slice(expected.end).replace(/^\s+/, '');
  const before = text.slice(0, expected.start) + completion + ' ';
  return { text: before + after, caret: before.length };
}

/** The trace id that a text is, alone or within a `traceparent`, in lower case; null if it is not one. */
export function traceIdOf(text: string): string | null {
  const id = /^(?:[0-9a-f]{2}-)?([0-9a-f]{32})(?:-[0-9a-f]{16}-[0-9a-f]{2})?$/i.exec(text.trim())?.[1];
  return id === undefined || /^0+$/.test(id) ? null : id.toLowerCase();
}

/** Whether a text is words alone, so that a value was meant and its key left out. */
export function isWords(text: string): boolean {
  return /^[\w .'’&-]+$/.test(text) && text.trim() !== '' && !/ (in|exists|contains|matches)\b/i.test(text);
}
