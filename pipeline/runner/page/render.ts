import { stripVTControlCharacters } from 'node:util';

import { html, raw } from '@hotrod/kit/html';
import { renderDocument } from '@hotrod/kit/small-page';

import type { RunRecord, StepRecord, StepState, Verdict } from '../record.ts';
import { duration } from '../reporter.ts';

/** The end of a step's log. */
export interface LogEnd {
  text: string;
  /** Bytes of the whole. */
  size: number;
  isWhole: boolean;
}

const stateWords: Record<StepState, { icon: string; word: string }> = {
  pending: { icon: '·', word: 'waits' },
  running: { icon: '▸', word: 'runs' },
  'waiting for approval': { icon: '?', word: 'waits for approval' },
  success: { icon: '✓', word: 'passed' },
  approved: { icon: '✓', word: 'approved' },
  failure: { icon: '✗', word: 'failed' },
  denied: { icon: '✗', word: 'denied' },
  terminated: { icon: '■', word: 'ended' },
  skipped: { icon: '–', word: 'skipped' },
};

const verdictWords: Record<Verdict, { icon: string; word: string }> = {
  running: { icon: '▸', word: 'runs' },
  success: { icon: '✓', word: 'passed' },
  failure: { icon: '✗', word: 'failed' },
  error: { icon: '✗', word: 'could not be run' },
  cancellation: { icon: '■', word: 'ended' },
  interrupted: { icon: '■', word: 'interrupted' },
};

/** The page of a run, complete without a script; the script keeps it up to date. */
export function renderRun(run: RunRecord, logOf: (file: string) => LogEnd | null): string {
  const { icon, word } = verdictWords[run.verdict];
  const endMs = run.endedAtMs ?? Date.now();
  const facts: [string, string][] = [
    [
      'Commit',
      html`<code>${run.revision.slice(0, 7)}</code>${run.branch === null ? '' : raw(html` on ${run.branch}`)},
        ${run.commitAuthor.replace(/ <.*>$/, '')}`,
    ],
    [
      'Started',
      html`<time datetime="${new Date(run.startedAtMs).toISOString()}">${clock(run.startedAtMs)}</time> by
        ${run.initiator}`,
    ],
    [
      'Took',
      html`<span class="num">${duration(endMs - run.startedAtMs)}</span>${run.verdict === 'running' ? ' so far' : ''}`,
    ],
    ['Ran on', html`${run.executor}${run.target === null ? '' : `, target ${run.target}`}`],
    ...(run.traceUrl
      ? [
          [
            'Trace',
            html`<a href="${safeUrl(run.traceUrl)}">${(run.traceId ?? '').slice(0, 8)}… in the Observatory</a>`,
          ] as [string, string],
        ]
      : run.traceId
        ? [['Trace', html`<code>${run.traceId}</code>`] as [string, string]]
        : []),
    ...Object.entries(run.annotations).map(([name, value]): [string, string] => [name, html`${String(value)}`]),
  ];
  return renderDocument(
    '/runs/assets',
    `${icon} ${run.pipeline} ${run.revision.slice(0, 7)} ${word}`,
    html`<header>
        <p class="path"><a href="/runs">Runs</a> / <span class="num">${run.id}</span></p>
        <h1>
          <span class="badge ${run.verdict}">${icon} ${word}</span> ${run.pipeline}: ${firstLine(run.commitMessage)}
        </h1>
        ${run.reason === null ? '' : raw(html`<p class="reason">${run.reason}</p>`)}
        <dl>
          ${facts.map(([name, value]) =>
            raw(
              html`<div>
                <dt>${name}</dt>
                <dd>${raw(value)}</dd>
              </div>`,
            ),
          )}
        </dl>
        ${run.warnings.map((warning) => raw(html`<p class="warning">${warning}</p>`))}
      </header>
      <main id="run" data-verdict="${run.verdict}">
        <h2>Steps</h2>
        ${run.steps.length === 0 ? raw(html`<p class="empty">No step has begun.</p>`) : ''}
        <ol class="steps">
          ${ordered(run.steps).map(({ step, depth }) => raw(renderStep(run, step, depth, endMs, logOf)))}
        </ol>
      </main>
      <p class="foot"><a href="/runs/${encodeURIComponent(run.id)}/run.json">run.json</a></p>`,
  );
}

function renderStep(
  run: RunRecord,
  step: StepRecord,
  depth: number,
  endMs: number,
  logOf: (file: string) => LogEnd | null,
): string {
  const { icon, word } = stateWords[step.state];
  const took = step.startedAtMs === null ? null : (step.endedAtMs ?? endMs) - step.startedAtMs;
  const log = step.log === null ? null : logOf(step.log);
  const isBad = step.state === 'failure' || step.state === 'denied' || step.state === 'terminated';
  const isOpen = log !== null && (isBad || step.state === 'running');
  const label = step.hook ? step.hook.event : step.name;
  const note = step.reason ?? (step.state === 'success' ? step.lastLine : null);
  const head = html`<span class="icon" aria-hidden="true">${icon}</span>
    <span class="name"
      >${label}${step.title === step.name || step.hook ? '' : raw(html` <span class="title">${step.title}</span>`)}</span
    >
    <span class="word">${word}${step.attempts > 1 ? `, attempt ${step.attempts}` : ''}</span>
    <span class="bar">${took === null ? '' : raw(bar(run, step, took, endMs))}</span>
    <span class="took num">${took === null ? '' : duration(took)}</span>
    ${note === null ? '' : raw(html`<span class="note">${stripVTControlCharacters(note)}</span>`)}`;
  const attributes = html`id="${step.name}" class="step ${step.state.replaceAll(' ', '-')} depth-${depth}"
  data-state="${step.state}"`;
  if (step.log === null || log === null) return html`<li ${raw(attributes)}><div class="head">${raw(head)}</div></li>`;
  const href = `/runs/${encodeURIComponent(run.id)}/logs/${encodeURIComponent(step.log)}`;
  return html`<li ${raw(attributes)}><details${isOpen ? ' open' : ''}><summary class="head">${raw(head)}</summary>
    ${log.isWhole ? '' : raw(html`<p class="cut">The end of ${String(Math.ceil(log.size / 1024))} kB; <a href="${href}">the whole log</a></p>`)}
    <pre tabindex="0" data-log="${href}" data-next="${log.size}">${stripVTControlCharacters(log.text)}</pre></details></li>`;
}

/** Where in the run's time a step lies, as an SVG: styles in attributes are not allowed by the page's policy. */
function bar(run: RunRecord, step: StepRecord, took: number, endMs: number): string {
  const whole = Math.max(1, endMs - run.startedAtMs);
  const x = (((step.startedAtMs ?? run.startedAtMs) - run.startedAtMs) / whole) * 100;
  const width = Math.max(0.6, (took / whole) * 100);
  return html`<svg aria-hidden="true" preserveAspectRatio="none" viewBox="0 0 100 1">
    <rect x="${Math.min(99.4, x).toFixed(2)}" y="0" height="1" width="${width.toFixed(2)}" />
  </svg>`;
}

/** Children after their parents, hooks after what they belong to. */
function ordered(steps: readonly StepRecord[]): { step: StepRecord; depth: number }[] {
  const tree = (list: readonly StepRecord[], depth: number): { step: StepRecord; depth: number }[] =>
    list.flatMap((step) => [
      { step, depth },
      ...tree(
        steps.filter(
          ({ parent, hook }) => parent === step.name || (hook !== null && parent === null && hook.of === step.name),
        ),
        Math.min(depth + 1, 3),
      ),
    ]);
  const isTop = ({ parent, hook }: StepRecord) => parent === null && (hook === null || hook.of === null);
  const before = steps.filter((step) => isTop(step) && step.hook?.event === 'on_elected');
  const rest = steps.filter((step) => isTop(step) && step.hook?.event !== 'on_elected');
  return tree([...before, ...rest], 0);
}

/** All runs, the newest first. */
export function renderRunList(runs: readonly RunRecord[]): string {
  const rows = runs.map((run) => {
    const { icon, word } = verdictWords[run.verdict];
    return raw(
      html`<tr>
        <td><span class="badge ${run.verdict}">${icon} ${word}</span></td>
        <td>
          <a href="/runs/${encodeURIComponent(run.id)}">${firstLine(run.commitMessage) || run.id}</a><br /><span
            class="title"
            ><code>${run.revision.slice(0, 7)}</code>${run.branch === null ? '' : ` on ${run.branch}`}</span
          >
        </td>
        <td class="num">${clock(run.startedAtMs)}</td>
        <td class="num">${duration((run.endedAtMs ?? Date.now()) - run.startedAtMs)}</td>
      </tr>`,
    );
  });
  return renderDocument(
    '/runs/assets',
    'Pipeline runs',
    html`<header>
        <p class="path"><a href="/faults">Faults</a></p>
        <h1>Pipeline runs</h1>
      </header>
      <main id="run" data-verdict="list">
        ${
          runs.length === 0
            ? raw(
                html`<p class="empty">
                  There is no run yet. Push to production (<code>git push production</code>), or run the pipeline of a
                  commit: <code>npx pipeline run</code>.
                </p>`,
              )
            : raw(
                html`<table>
                  <thead>
                    <tr>
                      <th>Verdict</th>
                      <th>Commit</th>
                      <th>Started</th>
                      <th>Took</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${rows}
                  </tbody>
                </table>`,
              )
        }
      </main>`,
  );
}

export function renderNotFound(what: string): string {
  return renderDocument(
    '/runs/assets',
    'Not found',
    html`<header><h1>There is no such ${what}</h1></header>
      <main>
        <p class="empty">Old runs are removed after a while. <a href="/runs">All runs that are kept</a></p>
      </main>`,
  );
}

function safeUrl(url: string): string {
  return /^https?:\/\//.test(url) ? url : '#';
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

/** Local time of the machine that the run was on. */
function clock(milliseconds: number): string {
  const date = new Date(milliseconds);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}
