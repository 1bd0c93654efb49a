import { useId } from 'preact/hooks';
import type { Marker } from '../../contract/contract.ts';
import { formatDuration } from '../format/duration.ts';
import { formatMoment } from '../format/time.ts';
import { useScheme } from '../format/use-size.ts';
import { parseColour, type Rgb } from './colour.ts';
import type { Size } from './geometry.ts';
import {
  labelPlace,
  markerColour,
  placeMarkers,
  safeLink,
  type MarkerGroup,
  type PlacedMarker,
} from './marker-layout.ts';

/**
 * Deploys and the like over a chart: a line while the marker is open, a window once it is closed, with the label above
 * it. If they lie too close for a label each, they share one. Label and line open a card that tells all, with the
 * links.
 */
export function Markers({ markers, from, to, size }: { markers: Marker[]; from: number; to: number; size: Size }) {
  useScheme(); // Colours are held against the ground, which changes with it.
  const style = getComputedStyle(document.documentElement);
  const token = (name: string): Rgb => parseColour(style.getPropertyValue(name));
  const [ground, ink] = [token('--panel'), token('--text')];
  return (
    <>
      {placeMarkers(markers, from, to, size.width).map((group) => (
        <Group
          key={group.markers[0]?.marker.id}
          group={group}
          width={size.width}
          colourOf={(marker) => markerColour(marker.color, ground, ink) ?? 'var(--text)'}
        />
      ))}
    </>
  );
}

/** The plot below would take the press for the beginning of a drag, and the key for a movement of its cursor. */
const stop = (event: Event): void => event.stopPropagation();
const outside = { target: '_blank', rel: 'noopener noreferrer', onPointerDown: stop, onKeyDown: stop };

const textOf = (marker: Marker): string => marker.message || marker.type || 'marker';

/** A card is as wide as this, CSS pixels, or as the plot. */
const cardWidth = 280;

function Group(props: { group: MarkerGroup; width: number; colourOf: (marker: Marker) => string }) {
  const { group, width, colourOf } = props;
  const id = useId();
  const [first] = group.markers;
  if (first === undefined) return null;
  const single = group.markers.length === 1;
  const link = single ? safeLink(first.marker.url) : null;
  const label = {
    class: 'marker-label',
    'aria-describedby': id,
    style: {
      ...labelPlace(group, width),
      maxWidth: `${Math.min(group.room, 240)}px`,
      '--marker': colourOf(first.marker),
    },
  };
  return (
    <div class="marker-group">
      {group.markers.map((placed) => (
        <Drawn key={placed.marker.id} placed={placed} colour={colourOf(placed.marker)} />
      ))}
      {link !== null ? (
        <a {...label} {...outside} href={link}>
          {textOf(first.marker)}
        </a>
      ) : (
        // This is not a control, but the keyboard must be able to reach its card, too.
        <span {...label} tabIndex={0} onPointerDown={stop}>
          {single ? textOf(first.marker) : `${group.markers.length} markers`}
        </span>
      )}
      <ul
        id={id}
        class="marker-card"
        style={{
          left: `${Math.max(0, Math.min(group.left, width - cardWidth))}px`,
          width: `${Math.min(cardWidth, width)}px`,
        }}
        onPointerDown={stop}
      >
        {group.markers.map(({ marker }) => (
          <Entry key={marker.id} marker={marker} linked={!single} colour={colourOf(marker)} />
        ))}
      </ul>
    </div>
  );
}

/** The line or window, and a strip along its beginning that the pointer can hit. */
function Drawn({ placed: { marker, left, width }, colour }: { placed: PlacedMarker; colour: string }) {
  const link = safeLink(marker.url);
  const strip = { class: 'marker-strip', style: { left: `${left}px` }, 'aria-hidden': true };
  return (
    <>
      <div
        class="marker"
        data-open={marker.endMs === null}
        style={{ left: `${left}px`, width: `${Math.max(1, width)}px`, '--marker': colour }}
      />
      {/* The label is the link for the keyboard. */}
      {link === null ? <span {...strip} /> : <a {...strip} {...outside} href={link} tabIndex={-1} />}
    </>
  );
}

/** All that is known of a marker. @param linked whether its message is the link; else the label is. */
function Entry({ marker, linked, colour }: { marker: Marker; linked: boolean; colour: string }) {
  const link = safeLink(marker.url);
  const text = textOf(marker);
  const when =
    marker.endMs === null
      ? `since ${formatMoment(marker.startMs)}, still open`
      : `${formatMoment(marker.startMs)}, for ${formatDuration(marker.endMs - marker.startMs)}`;
  return (
    <li style={{ '--marker': colour }}>
      {link !== null && linked ? (
        <a {...outside} href={link}>
          {text}
        </a>
      ) : (
        <b>{text}</b>
      )}
      {marker.type !== '' && marker.type !== text && <span class="muted"> {marker.type}</span>}
      <small>{when}</small>
      {link !== null && <small class="muted">{link}</small>}
    </li>
  );
}
