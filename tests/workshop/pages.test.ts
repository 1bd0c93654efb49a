import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { expect, it } from 'vitest';

import { root } from '../harness/suite.ts';

const directory = join(root, 'docs', 'workshop');
const images = join(directory, 'images');
const pages = readdirSync(directory).filter((name) => name.endsWith('.md'));
const textOf = (name: string) => readFileSync(join(directory, name), 'utf8');
/** What the pictures may weigh together: everybody who clones carries them. */
const maxImageBytes = 1_500_000;

/** Links of a page, without those in blocks of code. */
function linksOf(markdown: string): string[] {
  const text = markdown.replaceAll(/^```[^]*?^```$/gm, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link);
}

/** The anchors of a page's headings, as GitHub makes them. */
function anchorsOf(markdown: string): string[] {
  return [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

it.each(pages)('every link of %s leads somewhere', (name) => {
  const dead = linksOf(textOf(name))
    .filter((link) => !/^https?:/.test(link))
    .filter((link) => {
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? join(directory, name) : join(dirname(join(directory, name)), path);
      return !existsSync(file) || (anchor !== undefined && !anchorsOf(readFileSync(file, 'utf8')).includes(anchor));
    });
  expect(dead).toEqual([]);
});

it('every picture is shown on a page, and all of them are small', () => {
  const shown = new Set(pages.flatMap((name) => linksOf(textOf(name))));
  const files = readdirSync(images);
  expect(files.filter((file) => !shown.has(`images/${file}`))).toEqual([]);
  const bytes = files.reduce((sum, file) => sum + statSync(join(images, file)).size, 0);
  expect(bytes).toBeLessThan(maxImageBytes);
});
