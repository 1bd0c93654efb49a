import { render } from 'preact';
import { App } from './app.tsx';
import { fetchTheRest } from './shell/lazy.tsx';
import { isPage, NoSuchPage } from './shell/no-such-page.tsx';
import { watchStatus } from './shell/status.tsx';
import { pagePath } from './state/base-path.ts';

const root = document.getElementById('page');
if (root === null) throw new Error('index.html has lost its #page');
watchStatus();
render(isPage(pagePath(window.location.pathname)) ? <App /> : <NoSuchPage />, root);
fetchTheRest();
