/** Whether an address is one that this page writes (`formatState`), whatever its query. */
export function isPage(pathname: string): boolean {
  return pathname === '/' || /^\/trace\/[^/]+\/?$/.test(pathname);
}

/** For any other address: links that load anew, because there is no state to go on from. */
export function NoSuchPage() {
  return (
    <main class="state">
      <h1>There is no such page</h1>
      <p>
        Nothing is at <code>{window.location.pathname}</code>. A trace is at <code>/trace/</code> and its id.
      </p>
      <p class="row">
        <a class="button" href="/">
          Explore
        </a>
        <a class="button" href="/?view=map">
          Service map
        </a>
        <a class="button" href="/?view=releases">
          Releases
        </a>
        <a class="button" href="/?view=slo">
          Objectives
        </a>
      </p>
    </main>
  );
}
