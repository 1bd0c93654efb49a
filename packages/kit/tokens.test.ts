import { readFileSync } from 'node:fs';

import { describe, expect, test } from 'vitest';

const css = readFileSync(new URL('tokens.css', import.meta.url), 'utf8');
const [light = '', dark = ''] = css.split('@media (prefers-color-scheme: dark)');

/** The tokens of a scheme; dark has those of light that it does not set itself. */
function tokens(...texts: string[]): Map<string, string> {
  return new Map(
    texts.flatMap((text) =>
      [...text.matchAll(/(--[\w-]+): (#[0-9a-f]{6});/g)].map((match) => [match[1] ?? '', match[2] ?? '']),
    ),
  );
}

/** Relative luminance and contrast as WCAG 2 defines them. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

describe.each([
  ['light', tokens(light)],
  ['dark', tokens(light, dark)],
])('in %s', (scheme, of) => {
  const colour = (name: string): string => {
    const found = of.get(`--${name}`);
    if (found === undefined) throw new Error(`no token --${name}`);
    return found;
  };
  const grounds = ['bg', 'panel', 'sunken'];
  const inks = ['text', 'muted', 'link', 'error', 'warning', 'good', 'selection', 'baseline'];

  test.each(inks.flatMap((ink) => grounds.map((ground) => [ink, ground] as const)))(
    '%s can be read on %s',
    (ink, ground) => {
      expect(contrast(colour(ink), colour(ground))).toBeGreaterThanOrEqual(4.5);
    },
  );

  test('what carries meaning without being text stands out', () => {
    for (const ground of ['bg', 'panel']) {
      expect(contrast(colour('line-strong'), colour(ground))).toBeGreaterThanOrEqual(3);
      expect(contrast(colour('focus'), colour(ground))).toBeGreaterThanOrEqual(3);
    }
    expect(contrast(colour('on-button'), colour('button'))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colour('on-selection'), colour('selection'))).toBeGreaterThanOrEqual(4.5);
  });

  test('more spans are darker in light mode, brighter in dark mode, step by step', () => {
    const steps = Array.from({ length: 8 }, (_, index) => luminance(colour(`heat-${index + 1}`)));
    const ordered = scheme === 'light' ? steps.toReversed() : steps;
    expect(ordered).toEqual(steps.toSorted((a, b) => a - b));
  });

  test('a single span stands out of the panel, and neighbouring counts out of each other', () => {
    expect(contrast(colour('heat-1'), colour('panel'))).toBeGreaterThanOrEqual(3);
    for (let step = 1; step < 8; step += 1) {
      expect(contrast(colour(`heat-${step}`), colour(`heat-${step + 1}`))).toBeGreaterThan(1.15);
    }
  });
});
