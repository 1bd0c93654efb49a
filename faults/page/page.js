// @ts-check
// Keeps the page as the file of flags is, whoever has changed it, and sends its forms without a reload: what a reader has
// opened stays open, and the focus stays where it is. Without this script the page works all the same.
const everyMs = 2_000;

/** @param {Document} fresh */
function takeOver(fresh) {
  const [old, current] = [document.querySelector('#faults'), fresh.querySelector('#faults')];
  if (!old || !current) return;
  for (const details of document.querySelectorAll('details[open]')) {
    const id = details.closest('.fault')?.id;
    const same = id === undefined ? null : current.querySelector(`[id="${CSS.escape(id)}"] details`);
    if (same) same.setAttribute('open', '');
  }
  if (old.innerHTML === current.innerHTML) return;
  const focused = document.activeElement?.id;
  old.innerHTML = current.innerHTML;
  document.querySelector('header')?.replaceWith(fresh.querySelector('header') ?? '');
  if (focused) document.getElementById(focused)?.focus();
}

/** @param {Response} answer */
async function show(answer) {
  takeOver(new DOMParser().parseFromString(await answer.text(), 'text/html'));
}

/** @param {string} text */
function say(text) {
  const said = document.querySelector('#said');
  if (said) said.textContent = text;
}

document.addEventListener('submit', (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target);
  if (form.method !== 'post') return;
  event.preventDefault();
  const button = /** @type {HTMLButtonElement | null} */ (event.submitter);
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form, button)) if (typeof value === 'string') body.append(name, value);
  fetch(form.action, { method: 'POST', body })
    .then(async (answer) => {
      await show(answer);
      const what = [form.getAttribute('aria-label'), button?.textContent?.trim()].filter(Boolean).join(': ');
      say(answer.ok ? `${what}. It is seen within two seconds.` : 'That did not work; the page says why.');
    })
    .catch(() => say('HotROD does not answer. Does "npm start" still run?'));
});

setInterval(() => {
  if (document.hidden) return;
  fetch(location.href)
    .then(show)
    .catch(() => say('HotROD does not answer. Does "npm start" still run?'));
}, everyMs);
