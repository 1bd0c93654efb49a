import { defineConfig } from 'vite';

export default defineConfig({
  base: './',
  // packages/kit/page-build.ts leads around a path that Vite does not understand by a link.
  resolve: { preserveSymlinks: true },
  build: {
    target: 'es2023',
    // The service's content security policy allows neither inline scripts nor data: URLs.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
});
