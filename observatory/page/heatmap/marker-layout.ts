/** Where markers lie over a time axis, how they are drawn, and which links their labels may have. Pure. */
import type { Marker } from '../../contract/contract.ts';
import { contrast, mixed, parseColour, type Rgb } from './colour.ts';

export interface PlacedMarker {
  marker: Marker;
  left: number;
  /** 0 for one that is still open: a line. */
  width: number;
}

/** Markers that share a label, because there is no room for one each. */
export interface MarkerGroup {
  markers: PlacedMarker[];
  /** Where the label begins. That need not be at the line, because the label always lies within the plot. */
  left: number;
  /** Room for the label until the next one begins, or to the plot's end. */
  room: number;
}

/** The least width of a label that can be read and clicked, and the usual one, CSS pixels. */
const leastLabel = 72;
const usualLabel = 120;
const gap = 4;

/** Markers within a range from left to right, in pixels of a plot of that width. */
export function placeMarkers(markers: readonly Marker[], fromMs: number, toMs: number, width: number): MarkerGroup[] {
  const x = (ms: number): number => ((ms - fromMs) / (toMs - fromMs)) * width;
  const groups: MarkerGroup[] = [];
  const within = markers.filter((marker) => marker.startMs < toMs && (marker.endMs ?? marker.startMs) >= fromMs);
  for (const marker of within.toSorted((a, b) => a.startMs - b.startMs)) {
    const left = Math.max(0, x(marker.startMs));
    const right = marker.endMs === null ? left : Math.min(width, x(marker.endMs));
    const placed = { marker, left, width: Math.max(0, right - left) };
    const label = Math.max(0, Math.min(left, width - leastLabel));
    const last = groups.at(-1);
    if (last !== undefined && label < last.left + leastLabel + gap) last.markers.push(placed);
    else groups.push({ markers: [placed], left: label, room: 0 });
  }
  const last = groups.at(-1);
  const before = groups.at(-2);
  if (last !== undefined) {
    const free = before === undefined ? 0 : Math.min(before.left + usualLabel + gap, last.left);
    last.left = Math.min(last.left, Math.max(free, width - usualLabel));
  }
  groups.forEach((group, index) => {
    group.room = (groups[index + 1]?.left ?? width + gap) - group.left - gap;
  });
  return groups;
}

/**
 * Where a label begins, as CSS: at its line, or to the left of it by no more than the label is too wide for what is left
 * of the plot (100 % is the label's own width, which only the browser knows).
 */
export function labelPlace(group: MarkerGroup, width: number): { left: string; transform: string } {
  const line = group.markers[0]?.left ?? group.left;
  return { left: `${line}px`, transform: `translateX(min(0px, ${width - line}px - 100%))` };
}

/** The least contrast of lines that carry meaning. */
const leastContrast = 3;

/** A marker's own colour, moved towards the ink as far as it takes to be seen; null when it is not a hex colour. */
export function markerColour(colour: string, ground: Rgb, ink: Rgb): string | null {
  if (!/^#[0-9a-f]{6}$/i.test(colour)) return null;
  const own = parseColour(colour);
  const seen = [0, 0.25, 0.5, 0.75, 1]
    .map((share) => mixed(own, ink, share))
    .find((candidate) => contrast(candidate, ground) >= leastContrast);
  return seen === undefined ? null : `rgb(${seen.join(' ')})`;
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
