import { defineConfig } from 'vite';

// `npx vite` in this directory serves the page with hot reload against an Observatory that already runs.
const observatory = process.env['OBSERVATORY_URL'] ?? 'http://127.0.0.1:8088';

export default defineConfig({
  // Assets refer to each other by relative addresses. The server makes the addresses in the document absolute, because
  // the same document answers `/` and `/trace/<id>`, and both may be below the path of a proxy (page-files.ts).
  base: './',
  // packages/kit/page-build.ts uses a link to avoid a path that Vite does not understand.
  resolve: { preserveSymlinks: true },
  build: { target: 'es2022', sourcemap: true, chunkSizeWarningLimit: 200 },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  // Requests for the page's own modules in api/ are not questions to the API.
  server: { proxy: { '^/api/(?!.*\\.tsx?(\\?|$))': observatory } },
});
