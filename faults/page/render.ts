import { html, raw } from '@hotrod/kit/html';
import { renderDocument } from '@hotrod/kit/small-page';

import { type FlagSet, mysteryOf, type Standing, standing } from '../flag-set.ts';
import type { Manifest } from '../manifest.ts';

/** The page of faults, complete without a script; the script keeps it up to date and saves the reload. */
export function renderFaults(
  set: FlagSet,
  manifests: ReadonlyMap<string, Manifest>,
  { observatory, isRevealed }: { observatory: string | null; isRevealed: boolean },
): string {
  const hidden = mysteryOf(set);
  const drawn = hidden === null ? undefined : manifests.get(hidden);
  const faults = [...manifests.values()].filter(({ flag }) => Object.hasOwn(set.flags, flag));
  return renderDocument(
    '/faults/assets',
    'Faults',
    html`<header>
        <p class="path">
          <a href="/runs">Pipeline runs</a
          >${observatory === null ? '' : raw(html` · <a href="${observatory}">Observatory</a>`)}
        </p>
        <h1>Faults</h1>
        <p>
          Each one is a flag that the services ask for; a switch is seen within two seconds. The same by the command
          line:
          <code>npm run faults</code>.
        </p>
      </header>
      <main id="faults">
        ${hidden === null ? raw(allButtons()) : raw(renderMystery(drawn, isRevealed, observatory))}
        ${
          faults.length === 0
            ? raw(html`<p class="empty">The file of flags has none of the faults. ${raw(restoreForm())}</p>`)
            : raw(
                html`<ul class="faults">
                  ${faults.map((fault) => raw(renderFault(fault, set, { observatory, isSecret: hidden !== null })))}
                </ul>`,
              )
        }
      </main>
      <p id="said" role="status" aria-live="polite"></p>`,
  );
}

function allButtons(): string {
  return html`<div class="all">
    ${raw(form('mystery', 'Mystery: draw one, and tell nobody', 'mystery'))} ${raw(form('off', 'All off', 'all-off'))}
    ${raw(form('default', 'All as configured', 'all-default'))}
  </div>`;
}

/** While a mystery is on, the page shows neither the lessons nor how the flags stand: either would betray it. */
function renderMystery(drawn: Manifest | undefined, isRevealed: boolean, observatory: string | null): string {
  return html`<section class="mystery" aria-label="Mystery">
    <h2>One fault is on. Which one?</h2>
    <p>Find it in the Observatory. Its rides say <code>mystery</code> in <code>hotrod.fault.flags</code>.</p>
    ${
      isRevealed && drawn
        ? raw(
            html`<div class="revealed">
              <h3>${drawn.title}</h3>
              ${raw(renderLesson(drawn, observatory))}
            </div>`,
          )
        : ''
    }
    <div class="all">
      ${isRevealed ? '' : raw(html`<form action="/faults"><button id="reveal" name="reveal" value="">Reveal it</button></form>`)}
      ${raw(form('default', 'End it', 'all-default'))}
    </div>
  </section>`;
}

function renderFault(
  fault: Manifest,
  set: FlagSet,
  { observatory, isSecret }: { observatory: string | null; isSecret: boolean },
): string {
  const { flag, title, service } = fault;
  const entry = set.flags[flag];
  const stands: Standing = entry ? standing(entry) : { variant: 'default', release: null, mystery: false };
  const variants = Object.keys(entry?.variants ?? {}).filter((name) => name !== 'off');
  const isOn = !isSecret && stands.variant !== 'default' && stands.variant !== 'off';
  return html`<li id="${flag}" class="fault${isOn ? ' on' : ''}">
    <div class="head">
      <h2>${title}</h2>
      <p class="where">
        <code>${flag}</code>, in the ${service}
        service${isOn && stands.release !== null ? `, for release ${stands.release} alone` : ''}
      </p>
    </div>
    ${
      isSecret
        ? ''
        : raw(
            html`<form method="post" action="/faults" class="switch" role="group" aria-label="${title}">
                <input type="hidden" name="do" value="set" />
                <input type="hidden" name="flag" value="${flag}" />
                ${raw(choice(flag, 'default', 'as configured', stands))} ${raw(choice(flag, 'off', 'off', stands))}
                ${variants.map((name) => raw(choice(flag, name, name.replaceAll('-', ' '), stands)))}
              </form>
              <details>
                <summary>Lesson, and how to find it</summary>
                ${raw(renderLesson(fault, observatory))}
              </details>`,
          )
    }
  </li>`;
}

function choice(flag: string, variant: string, label: string, stands: Standing): string {
  const isPressed = stands.variant === variant;
  return html`<button
    id="${flag}-${variant}"
    name="variant"
    value="${variant}"
    aria-pressed="${isPressed ? 'true' : 'false'}"
  >
    ${label}
  </button>`;
}

function renderLesson({ lesson, cause, effect, find, fix, signature }: Manifest, observatory: string | null): string {
  const address = new URLSearchParams({ filter: signature.filter });
  if (signature.question === 'spans' && signature.scope === 'spans') address.set('scope', 'spans');
  const facts: [string, string][] = [
    ['Lesson', lesson],
    ['Cause', cause],
    ['Availability', effect.availability],
    ['Latency', effect.latency],
    ['Fix', fix],
  ];
  return html`<dl>
      ${facts.map(([name, text]) =>
        raw(
          html`<dt>${name}</dt>
            <dd>${raw(code(text))}</dd>`,
        ),
      )}
      <dt>Find it</dt>
      <dd>
        <ul>
          ${find.map((step) => raw(html`<li>${raw(code(step))}</li>`))}
        </ul>
      </dd>
    </dl>
    ${observatory === null ? '' : raw(html`<p><a href="${observatory}/?${address.toString()}">Its signature in the Observatory</a></p>`)}`;
}

/** Words between backticks as code. */
function code(text: string): string {
  return text
    .split('`')
    .map((part, index) => (index % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))
    .join('');
}

/** What is wrong with the file of flags, or with what was asked for. */
export function renderProblem(said: string, { canRestore }: { canRestore: boolean }): string {
  return renderDocument(
    '/faults/assets',
    'Faults',
    html`<header><h1>${canRestore ? 'The flags cannot be read' : 'This cannot be switched'}</h1></header>
      <main id="faults">
        <p class="problem" role="alert">${said}</p>
        <div class="all">${canRestore ? raw(restoreForm()) : ''}<a href="/faults">Back to the faults</a></div>
      </main>`,
  );
}

function restoreForm(): string {
  return form('restore', 'Write the file as it is shipped', 'restore');
}

function form(what: string, label: string, id: string): string {
  return html`<form method="post" action="/faults">
    <input type="hidden" name="do" value="${what}" />
    <button id="${id}">${label}</button>
  </form>`;
}
