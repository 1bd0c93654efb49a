import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { createTemporaryDirectory } from '../../tests/harness/suite.ts';
import { ensurePageBuilt } from './page-build.ts';

let directory: string;
let log: string[];
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'hotrod-page-'));
  log = [];
  write('package.json', '{}');
  write('index.html', 'source');
  write('parts/map.ts', 'source');
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const hourAgo = new Date(Date.now() - 3_600_000);
const path = (file: string) => join(directory, file);
const read = (file: string) => readFileSync(path(file), 'utf8');

/** Writes a file, an hour ago unless told. */
function write(file: string, text: string, when = hourAgo): void {
  mkdirSync(dirname(path(file)), { recursive: true });
  writeFileSync(path(file), text);
  utimesSync(path(file), when, when);
}

/** A Vite that writes what it is told instead of building. `$OUT` is the output directory. */
function installVite(program: string): void {
  write('node_modules/vite/package.json', '{}');
  write(
    'node_modules/vite/bin/vite.js',
    `const { mkdirSync, writeFileSync } = require('node:fs');
     const out = process.argv[process.argv.indexOf('--outDir') + 1];
     mkdirSync(out + '/assets', { recursive: true });
     ${program}`,
  );
}
const builds = (name: string) =>
  installVite(`
    writeFileSync(out + '/assets/${name}.js', 'code');
    writeFileSync(out + '/index.html', 'built ${name}');`);
const ensure = (sources: string[] = []) => ensurePageBuilt({ directory, sources, log: (line) => log.push(line) });

describe('ensurePageBuilt', () => {
  it('builds a page that was never built, and says so', async () => {
    builds('one');
    await ensure();
    expect(log).toEqual(['Building the page']);
    expect(read('dist/index.html')).toBe('built one');
    expect(read('dist/assets/one.js')).toBe('code');
  });

  it('does not build again what is newer than its sources', async () => {
    builds('one');
    await ensure();
    builds('two');
    await ensure();
    expect(log).toHaveLength(1);
    expect(read('dist/index.html')).toBe('built one');
  });

  it.each(['index.html', 'parts/map.ts', 'parts/new.ts'])('builds again when %s has changed', async (file) => {
    builds('one');
    await ensure();
    write(file, 'changed', new Date(Date.now() + 1_000));
    builds('two');
    await ensure();
    expect(log).toHaveLength(2);
    expect(read('dist/index.html')).toBe('built two');
    expect(existsSync(path('dist/assets/one.js'))).toBe(false);
  });

  it.each(['parts/map.test.ts', 'node_modules/some/index.js', 'dist/assets/other.js'])(
    'does not build because of %s',
    async (file) => {
      builds('one');
      await ensure();
      write(file, 'changed', new Date(Date.now() + 1_000));
      await ensure();
      expect(log).toHaveLength(1);
    },
  );

  it.each(['elsewhere/tokens.css', 'elsewhere'])(
    'builds again when what it imports has changed: %s',
    async (source) => {
      const other = mkdtempSync(join(tmpdir(), 'hotrod-page-'));
      const file = join(other, 'elsewhere', 'tokens.css');
      mkdirSync(dirname(file));
      writeFileSync(file, '');
      utimesSync(file, hourAgo, hourAgo);
      try {
        builds('one');
        await ensure([join(other, source)]);
        await ensure([join(other, source)]);
        expect(log).toHaveLength(1);
        const later = new Date(Date.now() + 1_000);
        utimesSync(file, later, later);
        await ensure([join(other, source)]);
        expect(log).toHaveLength(2);
      } finally {
        rmSync(other, { recursive: true, force: true });
      }
    },
  );

  it('takes a source that was written during the build for newer', async () => {
    installVite(`
      writeFileSync(out + '/index.html', 'built');
      writeFileSync(${JSON.stringify(path('parts/map.ts'))}, 'changed meanwhile');`);
    await ensure();
    await ensure();
    expect(log).toHaveLength(2);
  });

  it('fails with what Vite said, and leaves the page that was there as it was', async () => {
    builds('one');
    await ensure();
    write('index.html', 'changed', new Date(Date.now() + 1_000));
    installVite("console.error('Unexpected token in map.ts'); process.exit(1);");
    await expect(ensure()).rejects.toThrow('Unexpected token in map.ts');
    expect(read('dist/index.html')).toBe('built one');
    expect(read('dist/assets/one.js')).toBe('code');
  });

  it('gives several processes that build at once a whole page each', async () => {
    builds('one');
    await Promise.all([ensure(), ensure(), ensure()]);
    expect(readdirSync(path('node_modules'))).toEqual(['vite']);
    expect(read('dist/index.html')).toBe('built one');
    expect(read('dist/assets/one.js')).toBe('code');
  });

  it('takes the page as it is where there is no Vite, and asks for an install where there is no page either', async () => {
    await expect(ensure()).rejects.toThrow('npm ci');
    write('dist/index.html', 'built long ago', new Date(0));
    await ensure();
    expect(log).toEqual([]);
  });

  it.each(['page', 'My Project #2/page', 'What? 100%/[a] page'])('builds with the real Vite in %s', async (name) => {
    // Below the working tree, where Vite is found.
    const place = createTemporaryDirectory('page');
    const usual = directory;
    directory = join(place.path, name);
    try {
      write('package.json', '{}');
      write('index.html', '<!doctype html><title>t</title><script type="module" src="./main.ts"></script>');
      write('vite.config.ts', 'export default { resolve: { preserveSymlinks: true } };'); // as the pages have it
      write('node_modules/words/package.json', '{ "exports": "./index.js", "type": "module" }');
      write('node_modules/words/index.js', 'export const word = "built";');
      write('main.ts', 'import { word } from "words";\ndocument.title = word as string;');
      await ensure();
      const [, script] = /src="([^"]+\.js)"/.exec(read('dist/index.html')) ?? [];
      expect(read(join('dist', script ?? ''))).toContain('built');
    } finally {
      directory = usual;
      place.remove();
    }
  });
});
