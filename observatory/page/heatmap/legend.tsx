import { useMemo } from 'preact/hooks';
import type { Heatmap } from '../../api/contract.ts';
import { formatCount } from '../show/number.ts';
import { go } from '../state/location.ts';
import { ceilingOf } from './colour.ts';

/** What the heatmap's colours mean, and what is lit. */
export function Legend({ heatmap, lit, pinned }: { heatmap: Heatmap; lit: string; pinned: boolean }) {
  const ceiling = useMemo(() => ceilingOf(heatmap.cells.map((cell) => cell[2])), [heatmap]);
  return (
    <span class="legend">
      <span class="num">1</span>
      <span class="ramp" aria-hidden="true" />
      <span>
        <span class="num">{formatCount(ceiling)}</span> or more spans a cell
      </span>
      {heatmap.errors > 0 && (
        <span>
          <span class="swatch error" aria-hidden="true" /> errors
        </span>
      )}
      {lit !== '' && (
        <span class="lit" title={lit}>
          Lit: <code>{lit}</code>
          {pinned && (
            <button type="button" class="plain" aria-label="Put the light out" onClick={() => go({ lit: '' })}>
              ×
            </button>
          )}
        </span>
      )}
    </span>
  );
}
