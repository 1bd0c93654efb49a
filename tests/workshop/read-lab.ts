/** A block of commands in a lab, and what a reader is told to see of it. */
export interface LabBlock {
  /** The line in the document where its commands begin. */
  line: number;
  commands: string;
  /**
   * - `once`: ```` ```sh ````
   * - `until-seen`: ```` ```sh again ````, repeated until what is expected is seen
   * - `terminal`: ```` ```sh terminal ````, which goes on in a terminal of its own
   */
  kind: 'once' | 'until-seen' | 'terminal';
  /** The lines of the ```` ```text ```` block that follows; `…` stands for anything. */
  expected: string[];
}

const kinds: Readonly<Record<string, LabBlock['kind']>> = {
  sh: 'once',
  'sh again': 'until-seen',
  'sh terminal': 'terminal',
};

/**
 * Reads the blocks of a lab in their order. Fences of other languages are for readers alone.
 *
 * @throws an error that names the line of a `text` block that follows no commands, of a repeated block without an
 * expectation, or of a shell block of an unknown kind: none of these would be checked.
 */
export function readLab(markdown: string): LabBlock[] {
  const blocks: LabBlock[] = [];
  const lines = markdown.split('\n');
  let last: LabBlock | null = null;
  for (let index = 0; index < lines.length; index += 1) {
    const opening = /^```(.*)$/.exec(lines[index] ?? '');
    if (!opening) {
      if (lines[index]?.startsWith('#')) last = null;
      continue;
    }
    const end = lines.indexOf('```', index + 1);
    if (end === -1) throw new Error(`line ${index + 1}: the block is not closed`);
    const content = lines.slice(index + 1, end);
    const info = opening[1] ?? '';
    const kind = kinds[info];
    if (kind) {
      last = { line: index + 2, commands: content.join('\n'), kind, expected: [] };
      blocks.push(last);
    } else if (info.startsWith('sh')) {
      throw new Error(`line ${index + 1}: "${info}" is none of ${Object.keys(kinds).join(', ')}`);
    } else if (info === 'text') {
      if (!last) throw new Error(`line ${index + 1}: no commands before what is to be seen`);
      last.expected = content.filter((line) => line.trim() !== '' && line.trim() !== '…');
      last = null;
    }
    index = end;
  }
  for (const { kind, expected, line } of blocks) {
    if (kind !== 'once' && expected.length === 0) throw new Error(`line ${line}: nothing says when this has worked`);
  }
  return blocks;
}

/**
 * The first expected line that is not in the output, in the order given; null if all are there. Space is compared as
 * one blank, `…` stands for anything within a line.
 */
export function missingLine(output: string, expected: readonly string[]): string | null {
  const lines = output.split('\n').map(plain);
  let from = 0;
  for (const line of expected) {
    const pattern = new RegExp(
      plain(line)
        .split('…')
        .map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
        .join('.*'),
    );
    const found = lines.findIndex((each, index) => index >= from && pattern.test(each));
    if (found === -1) return line;
    from = found + 1;
  }
  return null;
}

function plain(line: string): string {
  return line.replaceAll(/\s+/g, ' ').trim();
}
