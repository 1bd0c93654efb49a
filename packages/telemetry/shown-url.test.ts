import { expect, it } from 'vitest';

import { withoutCredentials } from './shown-url.ts';

it.each([
  ['http://localhost:4318', 'http://localhost:4318'],
  ['https://otlp.example.com/v1/', 'https://otlp.example.com/v1/'],
  ['https://user:secret@otlp.example.com:8443/path', 'https://otlp.example.com:8443/path'],
  ['https://secret@otlp.example.com', 'https://otlp.example.com'],
  ['https://otlp.example.com?api-key=secret', 'https://otlp.example.com'],
  ['http://user:sec ret@host:port', 'http://host:port'],
])('shows %s as %s', (url, shown) => {
  expect(withoutCredentials(url)).toBe(shown);
});
