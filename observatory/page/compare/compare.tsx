import { useState } from 'preact/hooks';
import { type Compare as CompareData, type CompareAttribute, compareSchema } from '../../contract/contract.ts';
import { useAnswer } from '../api/use-answer.ts';
import { openExemplar } from '../shell/actions.ts';
import { downloads } from '../shell/download.ts';
import { DownloadButton } from '../shell/download-button.tsx';
import { Failed, failureInPlaceOf, Loading } from '../shell/states.tsx';
import { formatCount, plural } from '../format/number.ts';
import { range } from '../state/clock.ts';
import { go, state } from '../state/location.ts';
import { comparePath } from '../state/api-paths.ts';
import type { Box } from '../state/url-state.ts';
import { BoxActions } from './box-actions.tsx';
import { Card } from './card.tsx';
import { foldAlike, namesOf } from './fold.ts';
import { describeBox } from './describe-box.ts';
import { SlowerThan } from './slower-than.tsx';

/** "What is different here?": every attribute of the selection against the same of all others, ranked. */
export function Compare() {
  const { box } = state.value;
  return box === null ? <Nothing /> : <Compared box={box} />;
}

function Nothing() {
  const { chart } = state.value;
  return (
    <div class="state">
      <h2>What is different about the slow ones?</h2>
      <p>
        Drag a box over points of the heatmap. Every attribute of the spans inside is then compared with all others, and
        those that differ most come first.
      </p>
      {chart !== 'heatmap' && (
        <p class="row">
          <button type="button" onClick={() => go({ chart: 'heatmap' })}>
            Show the heatmap
          </button>
        </p>
      )}
      <SlowerThan />
    </div>
  );
}

/** The first attributes are the answer. The rest show only their strongest value until they are opened. */
const firstOpen = 3;
const firstShown = 12;

function Compared({ box }: { box: Box }) {
  const now = state.value;
  const answer = useAnswer(compareSchema, comparePath(now, range.value, box));
  const [all, setAll] = useState(false);
  const found = answer.data;
  const failure = failureInPlaceOf(answer);
  if (failure !== null) return <Failed failure={failure} filter={now.filter} />;
  if (found === null) return <Loading what="Comparing" />;
  const attributes = foldAlike(found.attributes);
  const telling = attributes.filter((attribute) => attribute.significant);
  const alike = attributes.filter((attribute) => !attribute.significant);
  const shown = all ? telling : telling.slice(0, firstShown);
  return (
    <div class="compare" aria-busy={answer.loading}>
      <div class="bar">
        <Sides found={found} box={box} />
        <button type="button" onClick={() => void openExemplar(box)}>
          Open a trace of the selection
        </button>
        <BoxActions box={box} />
        <DownloadButton what="the comparison" files={() => compareFiles(found)} />
      </div>
      {found.selected === 0 ? (
        <p class="state">No span lies in the selection. Drag another box, or clear it.</p>
      ) : telling.length === 0 ? (
        <div class="state">
          <h2>Nothing sets the selection apart</h2>
          <p>
            {plural(namesOf(alike).length, 'attribute was', 'attributes were')} compared, and none differs by more than
            chance allows for {formatCount(found.selected)} against {formatCount(found.baseline)} spans. A larger box or
            a longer time range tells finer differences.
          </p>
        </div>
      ) : (
        <ol class="cards">
          {shown.map((attribute, index) => (
            <Card
              key={attribute.key}
              attribute={attribute}
              selected={found.selected}
              baseline={found.baseline}
              open={index < firstOpen}
            />
          ))}
        </ol>
      )}
      {telling.length > firstShown && (
        <p class="row">
          <button type="button" onClick={() => setAll(!all)}>
            {all ? 'Show the first only' : `Show all ${telling.length} that differ`}
          </button>
        </p>
      )}
      <Rest alike={telling.length === 0 ? [] : alike} excluded={found.excluded} />
    </div>
  );
}

function Sides({ found, box }: { found: CompareData; box: Box }) {
  const { scope, filter } = state.value;
  const spans = scope === 'roots' ? 'entry span' : 'span';
  return (
    <p class="sides">
      <b class="selection-text">Selection</b>: {plural(found.selected, spans)} {describeBox(box)}.{' '}
      <b class="baseline-text">Baseline</b>: the {formatCount(found.baseline)} others of the same time range
      {filter === '' ? '' : ' that pass the filter'}.
    </p>
  );
}

function Rest({ alike, excluded }: { alike: CompareAttribute[]; excluded: CompareData['excluded'] }) {
  const names = namesOf(alike);
  return (
    <div class="rest">
      {alike.length > 0 && (
        <details>
          <summary>{plural(names.length, 'attribute differs', 'attributes differ')} by no more than chance</summary>
          <p class="names">
            {names.map((key) => (
              <button type="button" class="plain" key={key} onClick={() => go({ by: [key], view: 'groups' })}>
                {key}
              </button>
            ))}
          </p>
        </details>
      )}
      {excluded.length > 0 && (
        <details>
          <summary>{plural(excluded.length, 'field was', 'fields were')} left out</summary>
          <dl>
            {excluded.map(({ key, reason }) => (
              <div key={key}>
                <dt>{key}</dt>
                <dd>{reason}</dd>
              </div>
            ))}
          </dl>
        </details>
      )}
    </div>
  );
}

function compareFiles(found: CompareData) {
  return downloads('compare', found, () => ({
    columns: ['attribute', 'score', 'value', 'selected', 'baseline', 'evidence', 'filter'],
    rows: found.attributes.flatMap((attribute) =>
      attribute.values.map((value) => [
        attribute.key,
        attribute.score,
        value.other === undefined ? value.value : `Other (${value.other})`,
        value.selected,
        value.baseline,
        value.evidence,
        value.filter ?? null,
      ]),
    ),
  }));
}
