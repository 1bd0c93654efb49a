/** What stands in the place of a secret. */
export const maskText = '******';

/** Names of variables whose values are kept out of every log. */
const secretName = /secret|token|passw|passphrase|api_?key|private_?key|access_?key|credential|auth_?header/i;
/** A shorter value would be found in the middle of words. */
const minSecretLength = 6;

/** The values of variables that are named like secrets. */
export function secretValues(variables: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(variables).flatMap(([name, value]) =>
    value !== undefined && secretName.test(name) && value.length >= minSecretLength ? [value] : [],
  );
}

/** Takes text as it comes and hands it on without secrets. */
export interface MaskingStream {
  write(chunk: string): void;
  /** Hands on what was held back because a secret might have begun in it. */
  end(): void;
}

/** Keeps secrets out of text: as they are, and as they look in base64, in a URL and in JSON. */
export interface Masker {
  add(values: readonly string[]): void;
  mask(text: string): string;
  /** For output that comes in pieces: a secret that is cut in two is found as well. */
  stream(output: (text: string) => void): MaskingStream;
}

export function createMasker(values: readonly string[] = []): Masker {
  let forms: string[] = [];
  const known = new Set<string>();

  function add(more: readonly string[]): void {
    for (const value of more) for (const form of formsOf(value)) known.add(form);
    // The longest first: a secret may begin with another one.
    forms = [...known].toSorted((a, b) => b.length - a.length);
  }
  function mask(text: string): string {
    return forms.reduce((masked, form) => masked.replaceAll(form, maskText), text);
  }
  /** How many characters at the end of a text may be the beginning of a secret. */
  function openEnd(text: string): number {
    for (let length = Math.min(text.length, (forms[0]?.length ?? 1) - 1); length > 0; length -= 1) {
      const end = text.slice(-length);
      if (forms.some((form) => form.length > length && form.startsWith(end))) return length;
    }
    return 0;
  }

  add(values);
  return {
    add,
    mask,
    stream(output) {
      let held = '';
      return {
        write(chunk) {
          const text = mask(held + chunk);
          const open = openEnd(text);
          held = open === 0 ? '' : text.slice(-open);
          const ready = open === 0 ? text : text.slice(0, -open);
          if (ready !== '') output(ready);
        },
        end() {
          if (held !== '') output(held);
          held = '';
        },
      };
    },
  };
}

function formsOf(value: string): string[] {
  const lines = value.split(/\r?\n/).filter((line) => line.trim().length >= minSecretLength);
  const plain = lines.length > 1 ? [value, ...lines] : [value];
  return plain
    .filter((text) => text !== '')
    .flatMap((text) => [text, encodeURIComponent(text), JSON.stringify(text).slice(1, -1), ...base64Forms(text)]);
}

/**
 * A secret looks different in base64 for each of the three places at which it can begin (`user:secret`). For each place
 * the middle part is taken, which does not depend on its neighbours.
 */
function base64Forms(text: string): string[] {
  const bytes = Buffer.from(text);
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64url');
    const from = Math.ceil((before * 8) / 6);
    const to = Math.floor(((before + bytes.length) * 8) / 6);
    const middle = encoded.slice(from, to);
    return middle.length < minSecretLength ? [] : [middle, middle.replaceAll('-', '+').replaceAll('_', '/')];
  });
}
