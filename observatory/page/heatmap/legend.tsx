import { useMemo } from 'preact/hooks';
import type { Heatmap } from '../../contract/contract.ts';
import { formatCount } from '../format/number.ts';
import { go } from '../state/location.ts';
import { ceilingOf } from './colour.ts';

/**
 * What the heatmap's colours mean, and what is highlighted.
 *
 * @param heatmap null while there is none: the legend then keeps its room.
 */
export function Legend({ heatmap, lit, pinned }: { heatmap: Heatmap | null; lit: string; pinned: boolean }) {
  const most = useMemo(() => formatCount(ceilingOf((heatmap?.cells ?? []).map((cell) => cell[2]))), [heatmap]);
  return (
    <span class="legend" style={heatmap === null ? { visibility: 'hidden' } : {}}>
      <span title={`The colour tells how many spans a cell holds, from 1 to ${most} or more`}>
        Spans per cell: <span class="num">1</span>
        <span class="ramp" aria-hidden="true" />
        <span class="num">{most}+</span>
      </span>
      <span>
        <span class="swatch error" aria-hidden="true" /> errors
      </span>
      {lit !== '' && (
        <span class="lit" title={lit}>
          Highlighted: <code>{lit}</code>
          {pinned && (
            <button type="button" class="plain" aria-label="Stop highlighting" onClick={() => go({ lit: '' })}>
              ×
            </button>
          )}
        </span>
      )}
    </span>
  );
}
