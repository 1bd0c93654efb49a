import type { Marker } from '../../api/contract.ts';
import { formatDuration } from '../show/duration.ts';
import { formatClock } from '../show/time.ts';
import type { Size } from './geometry.ts';
import { placeMarkers, safeLink } from './marker-layout.ts';

/** Deploys and the like over a chart: a line while open, a window once closed, the label above it. */
export function Markers({ markers, from, to, size }: { markers: Marker[]; from: number; to: number; size: Size }) {
  return (
    <>
      {placeMarkers(markers, from, to, size.width).map(({ marker, left, width, open, room, flipped }) => (
        <div
          key={marker.id}
          class="marker"
          data-open={open}
          style={{ left: `${left}px`, width: `${Math.max(1, width)}px` }}
        >
          {room >= 20 && <Label marker={marker} room={Math.min(room, 240)} flipped={flipped} />}
        </div>
      ))}
    </>
  );
}

function Label({ marker, room, flipped }: { marker: Marker; room: number; flipped: boolean }) {
  const link = safeLink(marker.url);
  const text = marker.message || marker.type || 'marker';
  const when =
    marker.endMs === null
      ? `since ${formatClock(marker.startMs)}, still open`
      : `${formatClock(marker.startMs)} – ${formatClock(marker.endMs)}, ${formatDuration(marker.endMs - marker.startMs)}`;
  const title = `${marker.type === '' ? '' : `${marker.type}: `}${marker.message} (${when})`;
  const style = { maxWidth: `${room}px` };
  // The plot below would take the press for the beginning of a drag.
  const stop = (event: Event): void => event.stopPropagation();
  return link === null ? (
    <span class="marker-label" data-flipped={flipped} title={title} style={style}>
      {text}
    </span>
  ) : (
    <a
      class="marker-label"
      data-flipped={flipped}
      href={link}
      title={title}
      style={style}
      target="_blank"
      rel="noopener noreferrer"
      onPointerDown={stop}
      onKeyDown={stop}
    >
      {text}
    </a>
  );
}
