import { type Release, type ReleaseFigures, releasesSchema, type ReleaseVerdict } from '../../contract/contract.ts';
import { apiPath } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { formatDuration } from '../format/duration.ts';
import { formatCount, formatPercent, formatRate } from '../format/number.ts';
import { serviceColour } from '../format/service-colour.ts';
import { formatDayClock } from '../format/time.ts';
import { Failed, failureInPlaceOf, Loading } from '../shell/states.tsx';
import { tick } from '../state/clock.ts';
import { addressOf, afresh, follow } from '../state/location.ts';
import { compareWithBefore } from './compare-releases.ts';

/** The releases of the last day, the latest first: how each began, beside how the one before ended. */
export function Releases() {
  const answer = useAnswer(releasesSchema, apiPath('releases', {}), tick.value);
  const found = answer.data;
  const failure = failureInPlaceOf(answer);
  return (
    <main class="releases-page">
      <div class="bar">
        <h1>Releases</h1>
        <span class="muted">
          of the last day, by <code>service.version</code>; figures are of the ten minutes before and after each began
        </span>
      </div>
      {failure !== null ? (
        <Failed failure={failure} />
      ) : found === null ? (
        <Loading />
      ) : found.length === 0 ? (
        <div class="state empty">
          <h2>No release yet</h2>
          <p>
            A release appears with the first request that a service serves, if its resource has{' '}
            <code>service.version</code>.
          </p>
        </div>
      ) : (
        <div class="panel scroll-x">
          <Table releases={found} />
        </div>
      )}
    </main>
  );
}

function Table({ releases }: { releases: readonly Release[] }) {
  return (
    <table class="table num releases">
      <thead>
        <tr>
          <th class="text" scope="col">
            Release
          </th>
          <th class="text" scope="col">
            First request
          </th>
          <th scope="col">Requests</th>
          <th scope="col">Rate</th>
          <th scope="col">Errors</th>
          <th scope="col">p95</th>
          <th class="text" scope="col">
            Verdict
          </th>
          <th class="text" scope="col">
            <span class="only-heard">Compare</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {releases.map((release) => (
          <Row key={`${release.service} ${release.version}`} release={release} />
        ))}
      </tbody>
    </table>
  );
}

function Row({ release }: { release: Release }) {
  const { service, version, before, began, verdict } = release;
  const ended = before?.ended ?? null;
  return (
    <tr>
      <th class="text wide name" scope="row">
        <span class="swatch" style={{ background: serviceColour(service) }} /> {service} <code>{version}</code>
        {before !== null && (
          <small class="muted">
            {' '}
            after <code>{before.version}</code>
          </small>
        )}
      </th>
      <td class="text" data-label="First request">
        {formatDayClock(release.firstMs)}
      </td>
      <td data-label="Requests">{formatCount(release.requests)}</td>
      <td data-label="Rate">{formatRate(release.ratePerSecond)}</td>
      <Change name="Errors" ended={ended} began={began} of={({ errorRate }) => errorRate} format={formatPercent} />
      <Change name="p95" ended={ended} began={began} of={({ p95Ms }) => p95Ms} format={formatDuration} />
      <td class="text verdict" data-label="Verdict">
        <Verdict verdict={verdict} />
      </td>
      <td class="text">
        <Compare release={release} />
      </td>
    </tr>
  );
}

/** A figure before and now: `2.41 s → 812 ms`; of a first release now alone. */
function Change(props: {
  name: string;
  ended: ReleaseFigures | null;
  began: ReleaseFigures;
  of: (figures: ReleaseFigures) => number;
  format: (value: number) => string;
}) {
  const { name, ended, began, of, format } = props;
  const now = format(of(began));
  if (ended === null) return <td data-label={name}>{now}</td>;
  return (
    <td data-label={name}>
      <span class="muted">{format(of(ended))}</span>
      <span aria-hidden="true"> → </span>
      <span class="only-heard">, then </span>
      {now}
    </td>
  );
}

/** A sign beside the word: colour alone says nothing to readers who cannot see it. */
const signs: Readonly<Record<ReleaseVerdict['verdict'], string>> = {
  better: '▲',
  same: '=',
  worse: '▼',
  inconclusive: '?',
};

function Verdict({ verdict }: { verdict: ReleaseVerdict | null }) {
  if (verdict === null) return <span class="muted">–</span>;
  const word = (
    <span class="word" data-verdict={verdict.verdict}>
      <span aria-hidden="true">{signs[verdict.verdict]}</span> {verdict.verdict}
    </span>
  );
  return (
    <span title={verdict.summary}>
      {verdict.url === null ? word : <a href={verdict.url}>{word}</a>}
      <span class="only-heard">: {verdict.summary}</span>
    </span>
  );
}

function Compare({ release }: { release: Release }) {
  const to = compareWithBefore(release);
  if (to === null) return <span class="muted">the first one</span>;
  const change = { ...afresh(), ...to };
  return (
    <a
      class="button"
      href={addressOf(change)}
      aria-label={`Compare ${release.service} ${release.version} with the one before`}
      onClick={(event) => follow(event, change)}
    >
      Compare with the one before
    </a>
  );
}
