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

function linear(hex: string): number[] {
  return [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
}

/** Relative luminance and contrast as WCAG 2 defines them. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = linear(hex);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** How far two colours are apart to the eye (OKLab); just noticeable is about 0.02. */
function distance(a: string, b: string): number {
  const [one, other] = [oklab(a), oklab(b)];
  return Math.hypot(...one.map((part, index) => part - (other[index] ?? 0)));
}
function oklab(hex: string): number[] {
  const [r = 0, g = 0, b = 0] = linear(hex);
  const l = Math.cbrt(0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b);
  const m = Math.cbrt(0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b);
  const s = Math.cbrt(0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b);
  return [
    0.210_454_255_3 * l + 0.793_617_785 * m - 0.004_072_046_8 * s,
    1.977_998_495_1 * l - 2.428_592_205 * m + 0.450_593_709_9 * s,
    0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766 * s,
  ];
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

  test('graphical signs stand out from the background', () => {
    for (const ground of ['bg', 'panel']) {
      expect(contrast(colour('line-strong'), colour(ground))).toBeGreaterThanOrEqual(3);
      expect(contrast(colour('focus'), colour(ground))).toBeGreaterThanOrEqual(3);
    }
    expect(contrast(colour('on-button'), colour('button'))).toBeGreaterThanOrEqual(4.5);
    expect(contrast(colour('on-selection'), colour('selection'))).toBeGreaterThanOrEqual(4.5);
  });

  test('colours of unknown services stand out from the background and from each other', () => {
    const others = Array.from({ length: 10 }, (_, index) => colour(`service-other-${index + 1}`));
    const named = ['frontend', 'customer', 'driver', 'route', 'postgres', 'page'].map((name) =>
      colour(`service-${name}`),
    );
    for (const other of others) {
      expect(contrast(other, colour('bg'))).toBeGreaterThanOrEqual(3);
      expect(contrast(other, colour('panel'))).toBeGreaterThanOrEqual(3);
      for (const beside of [...others, ...named].filter((each) => each !== other)) {
        expect(distance(other, beside), `${other} beside ${beside}`).toBeGreaterThan(0.07);
      }
    }
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
