import { describe, expect, it } from 'vitest';

import {
  describePreview,
  fateOf,
  formatInstant,
  labelValue,
  namespaceOf,
  parseInstant,
  previewNamespace,
} from './environment.ts';

const now = Date.parse('2026-12-02T08:00:00Z');

describe('the namespace of a branch', () => {
  it('is named after it', () => {
    expect(namespaceOf('fix-slow-customers')).toBe('preview-fix-slow-customers');
  });
  it('distinguishes branches whose names would be the same', () => {
    const names = ['feature/a', 'feature-a', 'Feature/A', 'feature_a'].map(namespaceOf);
    expect(new Set(names).size).toBe(4);
    for (const name of names) expect(name).toMatch(/^preview-feature-a(-[0-9a-f]{6})?$/);
  });
  it.each(['x'.repeat(200), `${'a'.repeat(48)}-${'b'.repeat(20)}`, 'é/ß', '///', '-dash-'])(
    'is a valid name for %s',
    (branch) => {
      expect(namespaceOf(branch)).toMatch(/^(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?$/);
    },
  );
  it('is labelled with owner, lifetime, end, branch, and the Pod Security Standard', () => {
    expect(
      previewNamespace({ branch: 'a/b', owner: 'Ann <ann@x.org>', lifetime: '72h', endsMs: now }).metadata,
    ).toEqual({
      name: namespaceOf('a/b'),
      labels: {
        'preview.hotrod/environment': 'true',
        owner: 'Ann-ann-x.org',
        'preview.hotrod/lifetime': '72h',
        'preview.hotrod/ends': '20261202T080000Z',
        'app.kubernetes.io/part-of': 'hotrod',
        'pod-security.kubernetes.io/enforce': 'restricted',
      },
      annotations: { 'preview.hotrod/branch': 'a/b' },
    });
  });
});

describe('an owner', () => {
  it.each([
    ['Ann <ann@x.org>', 'Ann-ann-x.org'],
    ['_._', ''],
    ['a'.repeat(80), 'a'.repeat(63)],
  ])('%s becomes the label %s', (text, label) => {
    expect(labelValue(text)).toBe(label);
  });
});

describe('an instant', () => {
  it('is read as it was written', () => {
    expect(formatInstant(now)).toBe('20261202T080000Z');
    expect(parseInstant('20261202T080000Z')).toBe(now);
  });
  it.each([undefined, '', '2026-12-02', '20261232T000000Z', '20260231T000000Z', '20261202T250000Z', 'tomorrow'])(
    'is not %s',
    (text) => {
      expect(parseInstant(text)).toBeNull();
    },
  );
});

describe('the fate of a namespace', () => {
  const namespace = (name: string, labels: Record<string, string> = {}, rest = {}) => ({
    metadata: { name, labels, ...rest },
  });
  const ours = { 'preview.hotrod/environment': 'true' };
  it.each([
    ['foreign', namespace('kube-system')],
    ['foreign', { metadata: { name: 'default' } }],
    ['unlabelled', namespace('preview-of-somebody', { 'preview.hotrod/ends': '20200101T000000Z' })],
    [
      'foreign',
      namespace('rides', { 'preview.hotrod/environment': 'false', 'preview.hotrod/ends': '20200101T000000Z' }),
    ],
    ['undated', namespace('preview-a', ours)],
    ['undated', namespace('preview-a', { ...ours, 'preview.hotrod/ends': '20260231T000000Z' })],
    ['living', namespace('preview-a', { ...ours, 'preview.hotrod/ends': formatInstant(now + 1_000) })],
    ['expired', namespace('preview-a', { ...ours, 'preview.hotrod/ends': formatInstant(now) })],
    ['expired', namespace('any-name', { ...ours, 'preview.hotrod/ends': formatInstant(now - 1_000) })],
    [
      'ending',
      namespace('preview-a', { ...ours, 'preview.hotrod/ends': formatInstant(now) }, { deletionTimestamp: 'now' }),
    ],
  ] as const)('is %s', (fate, given) => {
    expect(fateOf(given, now)).toBe(fate);
  });
  it('is told with owner and end', () => {
    const given = previewNamespace({ branch: 'a', owner: 'ann', lifetime: '1h', endsMs: now });
    expect(describePreview(given)).toBe('preview-a (owner ann, branch a, ends 20261202T080000Z)');
    expect(describePreview({ metadata: { name: 'x' } })).toBe('x (owner unknown, ends never: no date)');
  });
});
