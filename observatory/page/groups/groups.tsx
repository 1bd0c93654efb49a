import type { Breakdown, BreakdownGroup } from '../../contract/contract.ts';
import type { Answer } from '../api/use-answer.ts';
import { groupAllSpansBy, valueActions } from '../shell/actions.ts';
import { downloads } from '../shell/download.ts';
import { openMenu } from '../shell/menu.tsx';
import { DownloadButton } from '../shell/download-button.tsx';
import { Failed, failureInPlaceOf, Loading } from '../shell/states.tsx';
import { exactDuration, formatDuration } from '../format/duration.ts';
import { formatCount, formatPercent, plural } from '../format/number.ts';
import { hover } from '../state/hovered.ts';
import { addressOf, follow, go, state } from '../state/location.ts';
import type { GroupsOf, Sort } from '../state/url-state.ts';
import { KeyLine } from './key-line.tsx';
import { KeyPicker } from './key-picker.tsx';
import { distinguish } from './distinguish.ts';
import { type LineStyle, lineStyles, linesShown } from './line-style.ts';

/** The table of groups; each row lights its points in the heatmap above. */
export function Groups({ answer }: { answer: Answer<Breakdown> }) {
  const { box, by, chart, filter, groupsOf, scope } = state.value;
  const found = answer.data;
  const failure = failureInPlaceOf(answer);
  // Entry spans lack most of what the spans below them have.
  const lacking = found === null || scope !== 'roots' ? undefined : keyThatAllLack(found);
  return (
    <div class="groups" aria-busy={answer.loading}>
      <div class="bar">
        <KeyPicker />
        {box !== null && by.length > 0 && (
          <span class="switch" role="group" aria-label="Spans that are grouped">
            {groupings.map(([value, text]) => (
              <button
                type="button"
                key={value}
                aria-pressed={groupsOf === value}
                onClick={() => go({ groupsOf: value })}
              >
                {text}
              </button>
            ))}
          </span>
        )}
        <span class="grow" />
        {found !== null && by.length > 0 && (
          <>
            <span class="muted num">
              {found.groups.length < found.totalGroups
                ? `${formatCount(found.groups.length)} of ${plural(found.totalGroups, 'group')}`
                : plural(found.totalGroups, 'group')}
              , {plural(found.total, 'span')}
            </span>
            <DownloadButton what="the table" files={() => groupFiles(found)} />
          </>
        )}
      </div>
      {by.length === 0 ? (
        <div class="state">
          <h2>Group by an attribute</h2>
          <p>Pick one or two above: each of their values becomes a row with its count, error rate and durations.</p>
        </div>
      ) : failure !== null ? (
        <Failed failure={failure} filter={filter} />
      ) : found === null ? (
        <Loading what="Grouping" />
      ) : found.groups.length === 0 ? (
        <p class="state">There is no span to group: choose a longer time range, another filter or another selection.</p>
      ) : lacking !== undefined ? (
        <div class="state">
          <h2>No entry span has {lacking}</h2>
          <p>The spans below them may have it.</p>
          <p class="row">
            <a
              class="button"
              href={addressOf({ ...groupAllSpansBy(lacking), chart })}
              onClick={(event) => follow(event, { ...groupAllSpansBy(lacking), chart })}
            >
              Look at all spans that have it
            </a>
          </p>
        </div>
      ) : (
        <GroupTable found={found} />
      )}
    </div>
  );
}

const groupings: readonly (readonly [GroupsOf, string])[] = [
  ['all', 'Whole range'],
  ['selection', 'Selection'],
];

/** The first of the keys, if no span has any of them. */
function keyThatAllLack({ by, groups }: Breakdown): string | undefined {
  return groups.every(({ values }) => values.every((value) => value === null)) ? by[0] : undefined;
}

const columns: readonly (readonly [Sort, string])[] = [
  ['count', 'Spans'],
  ['errorRate', 'Errors'],
  ['p50', 'Median'],
  ['p95', 'p95'],
  ['p99', 'p99'],
  ['max', 'Longest'],
];

function GroupTable({ found }: { found: Breakdown }) {
  const { chart, sort } = state.value;
  const styles = chart === 'lines' ? lineStyles(found.by, found.groups.slice(0, linesShown)) : null;
  const shortOf = found.by.map((_, column) => distinguish(found.groups.flatMap(({ values }) => values[column] ?? [])));
  const most = Math.max(...found.groups.map((group) => sizeOf(group, sort)), 0);
  return (
    <div class="scroll-x">
      <table class="table num">
        <thead>
          <tr>
            {found.by.map((key) => (
              <th key={key} scope="col" class="text wide" title={key}>
                {key}
              </th>
            ))}
            {columns.map(([key, name]) => (
              <th key={key} scope="col" aria-sort={sort === key ? 'descending' : 'none'}>
                <button type="button" class="plain" onClick={() => go({ sort: key })}>
                  {name}
                  {sort === key && <span aria-hidden="true"> ↓</span>}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {found.groups.map((group) => (
            <GroupRow
              key={group.filter}
              found={found}
              group={group}
              shortOf={shortOf}
              line={styles?.get(group.filter) ?? null}
              share={most === 0 ? 0 : sizeOf(group, sort) / most}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function sizeOf(group: BreakdownGroup, sort: Sort): number {
  const sizes = {
    count: group.count,
    errorRate: group.errorRate,
    p50: group.p50Ms,
    p95: group.p95Ms,
    p99: group.p99Ms,
    max: group.maxMs,
  };
  return sizes[sort];
}

function GroupRow(props: {
  found: Breakdown;
  group: BreakdownGroup;
  /** For each column, the short texts by which its values can be told apart. */
  shortOf: Map<string, string>[];
  line: LineStyle | null;
  share: number;
}) {
  const { found, group, shortOf, line, share } = props;
  const { sort } = state.value;
  const label = group.values.map((value) => value ?? 'missing').join(' · ');
  const menu = (element: Element): void => openMenu(element, label, valueActions([], group.filter));
  const cell = (key: Sort, text: string, exact: string, bad = false) => (
    <td
      title={exact}
      class={bad ? 'is-error' : undefined}
      style={sort === key ? { '--share': `${share * 100}%` } : {}}
      data-sorted={sort === key}
    >
      {text}
    </td>
  );
  return (
    <tr
      onPointerEnter={() => hover(group.filter)}
      onPointerLeave={() => hover('')}
      onClick={(event) => menu(event.currentTarget.querySelector('button') ?? event.currentTarget)}
    >
      {group.values.map((value, column) => {
        const text = <Value value={value === null ? null : (shortOf[column]?.get(value) ?? value)} />;
        return (
          <th key={found.by[column]} scope="row" class="text wide" title={value ?? 'The spans that lack it'}>
            {column === 0 ? (
              <button
                type="button"
                class="plain"
                aria-haspopup="menu"
                onFocus={() => hover(group.filter)}
                onBlur={() => hover('')}
                onClick={(event) => {
                  event.stopPropagation();
                  menu(event.currentTarget);
                }}
              >
                {line !== null && <KeyLine style={line} />}
                {text}
              </button>
            ) : (
              text
            )}
          </th>
        );
      })}
      {cell('count', formatCount(group.count), formatCount(group.count))}
      {cell(
        'errorRate',
        formatPercent(group.errorRate),
        `${formatCount(group.errors)} of ${formatCount(group.count)}`,
        group.errors > 0,
      )}
      {cell('p50', formatDuration(group.p50Ms), exactDuration(group.p50Ms))}
      {cell('p95', formatDuration(group.p95Ms), exactDuration(group.p95Ms))}
      {cell('p99', formatDuration(group.p99Ms), exactDuration(group.p99Ms))}
      {cell('max', formatDuration(group.maxMs), exactDuration(group.maxMs))}
    </tr>
  );
}

function Value({ value }: { value: string | null }) {
  if (value === null) return <span class="muted">missing</span>;
  return <span class="clip-2">{value === '' ? <span class="muted">empty text</span> : value}</span>;
}

function groupFiles(found: Breakdown) {
  return downloads('groups', found, () => ({
    columns: [...found.by, 'spans', 'errors', 'error_rate', 'p50_ms', 'p95_ms', 'p99_ms', 'max_ms'],
    rows: found.groups.map((group) => [
      ...group.values,
      group.count,
      group.errors,
      group.errorRate,
      group.p50Ms,
      group.p95Ms,
      group.p99Ms,
      group.maxMs,
    ]),
  }));
}
