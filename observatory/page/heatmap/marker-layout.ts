/** Where markers lie over a time axis, and where their labels may be followed to. Pure. */
import type { Marker } from '../../api/contract.ts';

export interface PlacedMarker {
  marker: Marker;
  left: number;
  /** 0 for one that is still open: a line. */
  width: number;
  open: boolean;
  /** Room for the label until the next one begins. */
  room: number;
  /** At the right edge the label stands to the left of the line. */
  flipped: boolean;
}

/** What a label usually needs, CSS pixels. */
const labelWidth = 120;

/** Markers within a range from left to right, in pixels of a plot of that width. */
export function placeMarkers(markers: readonly Marker[], fromMs: number, toMs: number, width: number): PlacedMarker[] {
  const x = (ms: number): number => ((ms - fromMs) / (toMs - fromMs)) * width;
  const placed = markers
    .filter((marker) => marker.startMs < toMs && (marker.endMs ?? marker.startMs) >= fromMs)
    .toSorted((a, b) => a.startMs - b.startMs)
    .map((marker) => {
      const left = Math.max(0, x(marker.startMs));
      const right = marker.endMs === null ? left : Math.min(width, x(marker.endMs));
      return { marker, left, width: Math.max(0, right - left), open: marker.endMs === null, room: 0, flipped: false };
    });
  placed.forEach((each, index) => {
    each.room = Math.max(0, (placed[index + 1]?.left ?? width) - each.left - 4);
  });
  const last = placed.at(-1);
  const before = placed.at(-2);
  if (last !== undefined && last.room < labelWidth && last.open) {
    const reach = last.left - (before === undefined ? 0 : before.left + Math.min(before.room, labelWidth)) - 4;
    if (reach > last.room) Object.assign(last, { room: reach, flipped: true });
  }
  return placed;
}

/** The address of a marker if it is one of the web; null for anything else (`javascript:` and the like). */
export function safeLink(url: string | null): string | null {
  if (url === null) return null;
  try {
    const { protocol, href } = new URL(url);
    return protocol === 'http:' || protocol === 'https:' ? href : null;
  } catch {
    return null;
  }
}
