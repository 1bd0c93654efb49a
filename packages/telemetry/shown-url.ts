/** A URL for a console or a log: without user, password and query, in which keys are sent. */
export function withoutCredentials(url: string): string {
  if (!URL.canParse(url)) return url.replace(/\/\/[^/]*@/, '//').replace(/\?.*$/s, '');
  const shown = new URL(url);
  shown.username = '';
  shown.password = '';
  shown.search = '';
  shown.hash = '';
  // As it was given, without the slash that `URL` adds to a URL without a path.
  return shown.pathname === '/' && !url.split(/[?#]/)[0]?.endsWith('/') ? shown.href.replace(/\/$/, '') : shown.href;
}
