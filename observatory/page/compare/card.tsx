import { useState } from 'preact/hooks';
import type { CompareAttribute, CompareValue } from '../../contract/contract.ts';
import { valueActions } from '../shell/actions.ts';
import { openMenu } from '../shell/menu.tsx';
import { go } from '../state/location.ts';
import { hover } from '../state/hovered.ts';
import { foldValues, headlineOf } from './fold.ts';
import { alikeText, counts, ratio, shares, unitOf, valueLabel } from './value-text.ts';

interface Sides {
  selected: number;
  baseline: number;
}

/**
 * One attribute, its values with two bars each: the share of the selection above, that of the baseline below.
 *
 * @param open whether it shows its values at first, or only the strongest, in words.
 */
export function Card({ attribute, selected, baseline, open }: { attribute: CompareAttribute; open: boolean } & Sides) {
  const [all, setAll] = useState(false);
  const alike = alikeText(attribute);
  const { shown, rest } = foldValues(attribute.values);
  const headline = headlineOf(attribute.values);
  return (
    <li>
      <details class="card" open={open}>
        <summary>
          <h3 title={attribute.key}>{attribute.key}</h3>
          {headline !== undefined && (
            <span class="headline muted num">
              <span class="clip">{valueLabel(headline, unitOf(attribute.key))}</span>
              {`: ${shares(headline, selected, baseline)}`}
            </span>
          )}
        </summary>
        {alike !== '' && (
          <p class="alike muted" title={[attribute.key, ...attribute.same].join('\n')}>
            {alike}
          </p>
        )}
        <ul>
          {(all ? attribute.values : shown).map((value) => (
            <li key={`${value.value ?? ''}|${value.low ?? ''}|${value.other ?? ''}`}>
              <Row attribute={attribute} value={value} selected={selected} baseline={baseline} />
            </li>
          ))}
        </ul>
        <p class="card-foot">
          {rest.length > 0 && (
            <button type="button" class="plain" onClick={() => setAll(!all)}>
              {all ? 'Show what differs only' : `${rest.length} more`}
            </button>
          )}
          <button type="button" class="plain" onClick={() => go({ by: [attribute.key], view: 'groups' })}>
            Group by
          </button>
        </p>
      </details>
    </li>
  );
}

function Row({ attribute, value, selected, baseline }: { attribute: CompareAttribute; value: CompareValue } & Sides) {
  const label = valueLabel(value, unitOf(attribute.key));
  const isValue = value.value !== null && value.other === undefined;
  const content = (
    <>
      <span class="value" data-plain={!isValue}>
        {label}
      </span>
      <span class="share num">{shares(value, selected, baseline)}</span>
      <span class="bars" aria-hidden="true">
        <i class="of-selection" style={{ width: `${100 * ratio(value.selected, selected)}%` }} />
        <i class="of-baseline" style={{ width: `${100 * ratio(value.baseline, baseline)}%` }} />
      </span>
      <span class="counts muted num">{counts(value, selected, baseline)}</span>
    </>
  );
  const { filter } = value;
  if (filter === undefined) return <div class="split">{content}</div>;
  return (
    <button
      type="button"
      class="split"
      aria-haspopup="menu"
      title={label}
      onPointerEnter={() => hover(filter)}
      onPointerLeave={() => hover('')}
      onFocus={() => hover(filter)}
      onBlur={() => hover('')}
      onClick={(event) => openMenu(event.currentTarget, label, valueActions([attribute.key], filter))}
    >
      {content}
    </button>
  );
}
