import { exactDuration, formatDuration } from '../format/duration.ts';
import type { Segment } from './critical-path.ts';
import type { Node } from './model.ts';
import { descendants } from './rows.ts';
import type { Zoom } from './zoom.ts';

interface Props {
  node: Node;
  colour: string;
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

export function SpanRow(props: Props) {
  const { node, colour, top, zoom, critical, selected, collapsed, dimmed, onSelect, onToggle } = props;
  const { span } = node;
  const length = zoom.to - zoom.from;
  /** Where an instant lies, in per cent of what is seen; what lies outside, at its edge. */
  const at = (ns: number): number => Math.min(100, Math.max(0, (100 * (ns - zoom.from)) / length));
  const isSeen = (from: number, to: number): boolean => from <= zoom.to && to >= zoom.from;
  const ms = (node.end - node.start) / 1e6;
  const failed = span.status === 'error';
  const left = at(node.start);
  const right = at(node.end);
  return (
    <div
      id={`span-${node.key}`}
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
        {isSeen(node.start, node.end) && (
          <span class="time-area">
            <i
              class="span-bar"
              data-failed={failed}
              style={{ left: `${left}%`, width: `max(2px, ${right - left}%)`, background: colour }}
            />
            {critical
              .filter(({ from, to }) => isSeen(from, to))
              .map(({ from, to }) => (
                <i
                  key={from}
                  class="critical"
                  style={{ left: `${at(from)}%`, width: `max(1px, ${at(to) - at(from)}%)` }}
                />
              ))}
            {span.events
              .slice(0, 50)
              .map((event) => ({ ...event, ns: node.start + Number(BigInt(event.timeNs) - BigInt(span.startNs)) }))
              .filter(({ ns }) => isSeen(ns, ns))
              .map((event) => (
                <i
                  key={event.timeNs + event.name}
                  class="event-mark"
                  title={event.name}
                  style={{ left: `${at(event.ns)}%` }}
                />
              ))}
            <small class="num" title={exactDuration(ms)} style={{ left: `${right}%` }}>
              {formatDuration(ms)}
            </small>
          </span>
        )}
      </span>
    </div>
  );
}
