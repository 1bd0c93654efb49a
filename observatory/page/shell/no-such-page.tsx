import { underBase } from '../state/base-path.ts';

/** Whether a path of the page (without the path of a proxy) is one that this page writes (`formatState`), whatever its query. */
export function isPage(pathname: string): boolean {
  return pathname === '/' || /^\/trace\/[^/]+\/?$/.test(pathname);
}

/** For any other address: links that load the page anew, because there is no state to go on from. */
export function NoSuchPage() {
  return (
    <main class="state">
      <h1>There is no such page</h1>
      <p>
        Nothing is at <code>{window.location.pathname}</code>. A trace is at <code>{underBase('/trace/')}</code> and its
        id.
      </p>
      <p class="row">
        <a class="button" href={underBase('/')}>
          Explore
        </a>
        <a class="button" href={underBase('/?view=map')}>
          Service map
        </a>
        <a class="button" href={underBase('/?view=releases')}>
          Releases
        </a>
        <a class="button" href={underBase('/?view=slo')}>
          Objectives
        </a>
      </p>
    </main>
  );
}
