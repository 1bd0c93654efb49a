// @ts-check
// Keeps the page of a run up to date while it runs: asks for it again, and changes what has changed. What a reader has
// opened stays open; a log goes on where it ended.
const everyMs = 1_000;
const main = document.querySelector('#run');

/** @param {HTMLElement} pre */
async function readOn(pre) {
  const { log, next = '0' } = pre.dataset;
  if (!log) return;
  const answer = await fetch(`${log}?from=${next}`);
  if (!answer.ok) return;
  const isAtEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 8;
  // oxlint-disable-next-line no-control-regex
  pre.append((await answer.text()).replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, ''));
  pre.dataset['next'] = answer.headers.get('x-next') ?? next;
  if (isAtEnd) pre.scrollTop = pre.scrollHeight;
}

/** @param {Document} fresh */
function takeOver(fresh) {
  document.title = fresh.title;
  for (const selector of ['header', '.foot']) {
    const [old, current] = [document.querySelector(selector), fresh.querySelector(selector)];
    if (old && current && old.innerHTML !== current.innerHTML) old.innerHTML = current.innerHTML;
  }
  const list = document.querySelector('.steps');
  const freshList = fresh.querySelector('.steps');
  if (!list || !freshList) return;
  const items = [...freshList.children].map((item) => {
    const old = document.getElementById(item.id);
    if (!old) return item;
    const [oldDetails, details] = [old.querySelector('details'), item.querySelector('details')];
    if (!oldDetails || !details) return item;
    // Only the head is new: the log is read on from where it ended.
    const [oldHead, head] = [old.querySelector('.head'), item.querySelector('.head')];
    if (oldHead && head && oldHead.innerHTML !== head.innerHTML) oldHead.innerHTML = head.innerHTML;
    old.className = item.className;
    if (old.dataset['state'] === 'running' && item.getAttribute('data-state') === 'success') oldDetails.open = false;
    else if (item.getAttribute('data-state') === 'failure') oldDetails.open ||= old.dataset['state'] !== 'failure';
    old.dataset['state'] = item.getAttribute('data-state') ?? '';
    return old;
  });
  // Elements that stay in their place keep the focus.
  for (const [index, item] of items.entries()) {
    if (list.children[index] !== item) list.insertBefore(item, list.children[index] ?? null);
  }
  while (list.children.length > items.length) list.lastElementChild?.remove();
}

async function follow() {
  const answer = await fetch(location.pathname, { headers: { accept: 'text/html' } }).catch(() => null);
  if (answer?.ok) {
    const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
    takeOver(fresh);
    await Promise.all(
      [...document.querySelectorAll('details[open] pre')].map((pre) => readOn(/** @type {HTMLElement} */ (pre))),
    );
    if (fresh.querySelector('#run')?.getAttribute('data-verdict') !== 'running') return;
  }
  later();
}

function later() {
  setTimeout(() => void follow(), everyMs);
}

if (main?.getAttribute('data-verdict') === 'running') later();
