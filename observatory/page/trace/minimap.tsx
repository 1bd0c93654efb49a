import { useEffect, useRef, useState } from 'preact/hooks';
import { useScheme, useSize } from '../format/use-size.ts';
import type { Segment } from './critical-path.ts';
import type { TraceModel } from './model.ts';
import type { Zoom } from './zoom.ts';

interface Props {
  model: TraceModel;
  path: Segment[];
  zoom: Zoom | null;
  onZoom: (zoom: Zoom | null) => void;
}

const height = 44;

/** The whole trace at a glance; a drag over it looks closer, a double click at all of it again. */
export function Minimap({ model, path, zoom, onZoom }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const size = useSize(frame);
  const scheme = useScheme();
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const total = Math.max(1, model.durationNs);
  useEffect(() => {
    if (canvas.current !== null && size.width > 0) paint(canvas.current, size.width, model, path);
  }, [model, path, size.width, scheme]);
  const at = (event: PointerEvent): number => {
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    return Math.min(1, Math.max(0, (event.clientX - box.left) / box.width)) * total;
  };
  const shown = drag === null ? zoom : { from: Math.min(drag.from, drag.to), to: Math.max(drag.from, drag.to) };
  return (
    <div
      class="minimap"
      ref={frame}
      title="Drag to look closer, double click for the whole trace"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        setDrag({ from: at(event), to: at(event) });
      }}
      onPointerMove={(event) => drag !== null && setDrag({ ...drag, to: at(event) })}
      onPointerUp={() => {
        if (drag !== null && Math.abs(drag.to - drag.from) > total / 200) {
          onZoom({ from: Math.min(drag.from, drag.to), to: Math.max(drag.from, drag.to) });
        }
        setDrag(null);
      }}
      onPointerCancel={() => setDrag(null)}
      onDblClick={() => onZoom(null)}
    >
      <canvas ref={canvas} style={{ width: '100%', height: `${height}px` }} aria-hidden="true" />
      {shown !== null && (
        <>
          <i class="outside" style={{ left: '0', width: `${(100 * shown.from) / total}%` }} />
          <i class="outside" style={{ left: `${(100 * shown.to) / total}%`, right: '0' }} />
        </>
      )}
    </div>
  );
}

function paint(canvas: HTMLCanvasElement, width: number, model: TraceModel, path: readonly Segment[]): void {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = canvas.getContext('2d');
  if (context === null) return;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  const style = getComputedStyle(canvas);
  const colours = new Map(
    model.services.map((service) => [service, style.getPropertyValue(model.colourOf(service).slice(4, -1)).trim()]),
  );
  const x = (ns: number): number => (ns / Math.max(1, model.durationNs)) * width;
  const pitch = Math.min(4, (height - 8) / model.nodes.length);
  model.nodes.forEach((node, index) => {
    context.fillStyle = colours.get(node.span.service) ?? 'gray';
    context.fillRect(
      x(node.start),
      4 + index * pitch,
      Math.max(1, x(node.end) - x(node.start)),
      Math.max(0.75, pitch * 0.75),
    );
  });
  context.fillStyle = style.getPropertyValue('--text').trim();
  for (const segment of path)
    context.fillRect(x(segment.from), height - 2, Math.max(1, x(segment.to) - x(segment.from)), 2);
}
