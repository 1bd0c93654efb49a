import { exactDuration, formatDuration } from '../show/duration.ts';
import { serviceColour } from '../show/service-colour.ts';
import type { Segment } from './critical-path.ts';
import type { Node } from './model.ts';
import { descendants } from './rows.ts';
import type { Zoom } from './waterfall.tsx';

interface Props {
  node: Node;
  /** Pixels from the first row. */
  top: number;
  zoom: Zoom;
  critical: Segment[];
  selected: boolean;
  collapsed: boolean;
  dimmed: boolean;
  onSelect: (node: Node, how: 'push' | 'replace') => void;
  onToggle: (node: Node) => void;
}

export function SpanRow({ node, top, zoom, critical, selected, collapsed, dimmed, onSelect, onToggle }: Props) {
  const { span } = node;
  const length = zoom.to - zoom.from;
  const at = (ns: number): number => (100 * (ns - zoom.from)) / length;
  const ms = (node.end - node.start) / 1e6;
  const failed = span.status === 'error';
  const colour = serviceColour(span.service);
  const left = at(node.start);
  const width = (100 * (node.end - node.start)) / length;
  const outside = left > 100 || left + width < 0;
  // The label goes where there is room: behind the bar, before it, or within.
  const labelSide = left + width < 82 ? 'after' : left > 18 ? 'before' : 'within';
  return (
    <div
      id={`span-${span.spanId}`}
      class="span-row"
      role="treeitem"
      aria-level={node.depth + 1}
      aria-selected={selected}
      aria-expanded={node.children.length > 0 ? !collapsed : undefined}
      aria-label={`${span.service} ${span.name}, ${formatDuration(ms)}${failed ? ', error' : ''}`}
      data-dimmed={dimmed}
      style={{ transform: `translateY(${top}px)` }}
      onClick={() => onSelect(node, 'push')}
    >
      <span
        class="name-cell"
        style={{ paddingLeft: `${4 + Math.min(node.depth, 24) * 12}px` }}
        title={`${span.service} ${span.name}`}
      >
        {node.children.length > 0 ? (
          <button
            type="button"
            class="caret"
            tabIndex={-1}
            aria-label={collapsed ? `Show ${descendants(node)} spans below` : 'Hide the spans below'}
            onClick={(event) => {
              event.stopPropagation();
              onToggle(node);
            }}
          >
            {collapsed ? '▸' : '▾'}
          </button>
        ) : (
          <span class="caret" />
        )}
        <i class="service-bar" style={{ background: colour }} />
        <span class="service">{span.service}</span>
        <span class="name">{span.name}</span>
        {collapsed && <small class="muted num">+{descendants(node)}</small>}
        {failed && (
          <b class="is-error" title={span.statusMessage || 'Error'}>
            !
          </b>
        )}
        {node.orphan && (
          <small class="muted" title="It names a parent that is not stored: not sent, dropped, or still on its way">
            parent missing
          </small>
        )}
      </span>
      <span class="time-cell">
        {!outside && (
          <>
            <i
              class="span-bar"
              data-failed={failed}
              style={{ left: `${left}%`, width: `max(2px, ${width}%)`, background: colour }}
            />
            {critical.map((segment) => (
              <i
                key={segment.from}
                class="critical"
                style={{
                  left: `${at(segment.from)}%`,
                  width: `max(1px, ${(100 * (segment.to - segment.from)) / length}%)`,
                }}
              />
            ))}
            {span.events.slice(0, 50).map((event) => (
              <i
                key={event.timeNs + event.name}
                class="event-mark"
                title={event.name}
                style={{ left: `${at(node.start + Number(BigInt(event.timeNs) - BigInt(span.startNs)))}%` }}
              />
            ))}
            <small
              class="num"
              title={exactDuration(ms)}
              data-side={labelSide}
              style={
                labelSide === 'before'
                  ? { right: `${100 - left}%` }
                  : { left: `${labelSide === 'after' ? left + width : Math.max(0, left)}%` }
              }
            >
              {formatDuration(ms)}
            </small>
          </>
        )}
      </span>
    </div>
  );
}
