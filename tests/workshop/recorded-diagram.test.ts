import { expect, it } from 'vitest';

import { drawnEdges, writeDiagram } from './recorded-diagram.ts';

const mark = '<!-- recorded: what is between here and the end is written by `npm run diagram` -->';
const document = `# A\n\n${mark}\nold\n<!-- recorded: end -->\n\nafter\n`;

it('draws what was recorded between the marks, and leaves the rest', () => {
  const edges = ['customer -> postgresql', 'frontend -> customer'];
  const written = writeDiagram(document, edges);
  expect(written).toContain('  customer --> postgresql[("postgresql")]\n  frontend --> customer\n');
  expect(written.startsWith('# A\n')).toBe(true);
  expect(written.endsWith('\nafter\n')).toBe(true);
  expect(written).not.toContain('old');
  expect(drawnEdges(written)).toEqual(edges);
  expect(writeDiagram(written, edges)).toBe(written);
});

it('refuses a document without the marks', () => {
  expect(() => writeDiagram('# A\n', [])).toThrow('has no');
});
