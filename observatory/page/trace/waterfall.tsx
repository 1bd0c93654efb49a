import type { RefObject } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { formatCount, plural } from '../format/number.ts';
import { useSize } from '../format/use-size.ts';
import { go, state } from '../state/location.ts';
import type { Segment } from './critical-path.ts';
import { Minimap } from './minimap.tsx';
import type { Node, TraceModel } from './model.ts';
import { ancestors, matchBeside, matches, shownFor, visibleRows } from './rows.ts';
import { SpanRow } from './span-row.tsx';
import { offsetTicks } from './time-ticks.ts';
import { useVirtual } from './use-virtual.ts';
import type { Zoom } from './zoom.ts';

interface Props {
  model: TraceModel;
  path: Segment[];
  selected: Node;
  onSelect: (node: Node, how: 'push' | 'replace') => void;
}

export function Waterfall({ model, path, selected, onSelect }: Props) {
  const [collapsed, setCollapsed] = useState<ReadonlySet<string>>(new Set());
  const [zoom, setZoom] = useState<Zoom | null>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const size = useSize(scroller);
  const { find } = state.value;
  const rows = useMemo(() => visibleRows(model, collapsed), [model, collapsed]);
  const found = useMemo(() => (find === '' ? null : model.nodes.filter((node) => matches(node, find))), [model, find]);
  const isFound = useMemo(() => new Set(found), [found]);
  const critical = useMemo(() => groupByNode(path), [path]);
  const rowHeight = useRowHeight(scroller, size.width);
  const virtual = useVirtual(scroller, rows.length, rowHeight);
  const opened = useRef(false);
  const shownIndex = rows.indexOf(selected);
  const seen = zoom ?? { from: 0, to: Math.max(1, model.durationNs) };

  useEffect(() => {
    // A selected span is never out of sight: its ancestors open, its row scrolls in.
    if (shownIndex >= 0) virtual.reveal(shownIndex, opened.current ? 'auto' : 'center');
    else setCollapsed((last) => new Set([...last].filter((id) => !ancestors(selected).includes(id))));
    opened.current = true;
  }, [selected, shownIndex >= 0, find]);

  // A hidden span cannot stay selected: it would open again what was just closed.
  const collapse = (next: ReadonlySet<string>): void => {
    setCollapsed(next);
    const shown = shownFor(selected, next);
    if (shown !== selected) onSelect(shown, 'replace');
  };
  const toggle = (node: Node): void => {
    const next = new Set(collapsed);
    if (!next.delete(node.key)) next.add(node.key);
    collapse(next);
  };
  const step = (by: number): void => {
    const next = rows[Math.min(rows.length - 1, Math.max(0, shownIndex + by))];
    if (next !== undefined) onSelect(next, 'replace');
  };
  const nextMatch = (by: 1 | -1): void => {
    const next = matchBeside(model.nodes, isFound, selected, by);
    if (next !== undefined) onSelect(next, 'replace');
  };
  const search = (text: string): void => {
    // The first match is shown while the text is typed; a match that is selected already stays.
    const stays = text === '' || matches(selected, text);
    const shown = stays ? undefined : model.nodes.find((node) => matches(node, text));
    go({ find: text, ...(shown === undefined ? {} : { spanId: shown.key }) }, 'replace');
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const { key } = event;
    const isOpen = selected.children.length > 0 && !collapsed.has(selected.key);
    if (key === 'ArrowDown' || key === 'j') step(1);
    else if (key === 'ArrowUp' || key === 'k') step(-1);
    else if (key === 'PageDown') step(20);
    else if (key === 'PageUp') step(-20);
    else if (key === 'Home') step(-rows.length);
    else if (key === 'End') step(rows.length);
    else if (key === 'ArrowLeft' && isOpen) toggle(selected);
    else if (key === 'ArrowLeft' && selected.parent !== null) onSelect(selected.parent, 'replace');
    else if (key === 'ArrowRight' && collapsed.has(selected.key)) toggle(selected);
    else if (key === 'ArrowRight' && isOpen) step(1);
    else if (key === 'n') nextMatch(1);
    else if (key === 'N') nextMatch(-1);
    else return;
    event.preventDefault();
  };
  const parents = model.nodes.filter((node) => node.children.length > 0 && node.parent !== null);
  return (
    <section class="waterfall panel" aria-label="Waterfall">
      <div class="bar">
        <input
          type="search"
          placeholder="Search in this trace"
          aria-label="Search in this trace"
          value={find}
          onInput={(event) => search(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter') nextMatch(event.shiftKey ? -1 : 1);
          }}
        />
        {found !== null && (
          <>
            <span class="muted num" aria-live="polite">
              {matchesText(found, selected)}
            </span>
            <button
              type="button"
              disabled={found.length === 0}
              onClick={() => nextMatch(-1)}
              aria-label="Previous match"
            >
              ↑
            </button>
            <button type="button" disabled={found.length === 0} onClick={() => nextMatch(1)} aria-label="Next match">
              ↓
            </button>
          </>
        )}
        <span class="grow" />
        <span class="muted">
          <i class="critical-key" aria-hidden="true" /> critical path
        </span>
        {zoom !== null && (
          <button type="button" onClick={() => setZoom(null)}>
            Whole trace
          </button>
        )}
        <button type="button" disabled={collapsed.size === 0} onClick={() => setCollapsed(new Set())}>
          Expand all
        </button>
        <button type="button" onClick={() => collapse(new Set(parents.map((node) => node.key)))}>
          Collapse all
        </button>
      </div>
      <Minimap model={model} path={path} zoom={zoom} onZoom={setZoom} />
      <Ruler zoom={seen} width={size.width} />
      <div
        class="rows"
        ref={scroller}
        role="tree"
        tabIndex={0}
        aria-label="Spans"
        aria-activedescendant={`span-${selected.key}`}
        onKeyDown={onKeyDown}
      >
        <div class="rows-all" style={{ height: `${virtual.height}px` }}>
          {virtual.rows.map((row) => {
            const node = rows[row.index];
            return node === undefined ? null : (
              <SpanRow
                key={node.key}
                node={node}
                colour={model.colourOf(node.span.service)}
                top={row.start}
                zoom={seen}
                critical={critical.get(node) ?? []}
                selected={node === selected}
                collapsed={collapsed.has(node.key)}
                dimmed={isFound.size > 0 && !isFound.has(node)}
                onSelect={onSelect}
                onToggle={toggle}
              />
            );
          })}
        </div>
      </div>
    </section>
  );
}

/** Which match is selected, and of how many. */
function matchesText(found: readonly Node[], selected: Node): string {
  const at = found.indexOf(selected);
  if (found.length === 0) return 'no match';
  return at < 0 ? plural(found.length, 'match', 'matches') : `${formatCount(at + 1)} of ${formatCount(found.length)}`;
}

function Ruler({ zoom, width }: { zoom: Zoom; width: number }) {
  return (
    <div class="ruler num" aria-hidden="true" style={width > 0 ? { width: `${width}px` } : {}}>
      <span class="name-cell">Service and span</span>
      <span class="time-cell">
        <span class="time-area">
          {offsetTicks(zoom.from, zoom.to, Math.max(2, (width * 0.6) / 90)).map((tick) => (
            <i key={tick.at} style={{ left: `${(100 * (tick.at - zoom.from)) / (zoom.to - zoom.from)}%` }}>
              {tick.label}
            </i>
          ))}
        </span>
      </span>
    </div>
  );
}

function groupByNode(path: readonly Segment[]): Map<Node, Segment[]> {
  const groups = new Map<Node, Segment[]>();
  for (const segment of path) groups.set(segment.node, [...(groups.get(segment.node) ?? []), segment]);
  return groups;
}

/** The height of a row in CSS pixels: higher on touch screens, and if names have a line of their own. */
function useRowHeight(scroller: RefObject<HTMLElement | null>, width: number): number {
  const [height, setHeight] = useState(24);
  useLayoutEffect(() => {
    if (scroller.current !== null) {
      setHeight(Number.parseInt(getComputedStyle(scroller.current).getPropertyValue('--span-row'), 10) || 24);
    }
  }, [width]);
  return height;
}
