import { describe, expect, test } from 'vitest';
import { traceLink, webLink } from './trace-link.ts';

const id = '4bf92f3577b34da6a3ce929d0e0e4736';
const base = 'http://127.0.0.1:8080/';

describe('traceLink', () => {
  test('puts the id wherever the template says', () => {
    expect(traceLink('http://localhost:16686/trace/{traceId}?hl={traceId}', id, base)).toBe(
      `http://localhost:16686/trace/${id}?hl=${id}`,
    );
  });

  test('leaves other braces and escapes alone, as Grafana needs them', () => {
    expect(traceLink('https://g.example/explore?left=%7B%22q%22%3A%22{traceId}%22%7D', id, base)).toBe(
      `https://g.example/explore?left=%7B%22q%22%3A%22${id}%22%7D`,
    );
  });

  test('accepts an address on the page’s own origin', () => {
    expect(traceLink('/trace/{traceId}', id, base)).toBe(`/trace/${id}`);
  });

  test.each([
    ['no template', null, id],
    ['no id', 'http://x.example/{traceId}', undefined],
    ['a template without a place for the id', 'http://x.example/', id],
    ['a template that runs code', 'javascript:alert("{traceId}")', id],
    ['no address at all', 'http://[{traceId}', id],
  ])('is no link with %s', (_what, template, traceId) => {
    expect(traceLink(template, traceId, base)).toBeUndefined();
  });
});

describe('webLink', () => {
  test.each(['http://127.0.0.1:8088', 'https://observatory.example/', '/observatory'])('leads to %s', (address) => {
    expect(webLink(address, base)).toBe(address);
  });

  test.each([null, '', 'javascript:alert(1)', 'data:text/html,x', 'file:///etc/passwd', 'http://['])(
    'leads nowhere with %j',
    (address) => {
      expect(webLink(address, base)).toBeUndefined();
    },
  );
});
