/** The filter of the row under the pointer or focus, whose points the heatmap lights; not part of the address. */
import { signal } from '@preact/signals';

export const hoveredFilter = signal('');

const settleMs = 80;
/** A hand that rests still trembles: only what goes further than this, CSS pixels, was moved on purpose. */
const tremblePx = 6;

let timer: ReturnType<typeof setTimeout> | undefined;
let asked = '';
let held: 'no' | 'by a menu' | 'until the pointer moves' = 'no';
/** Where the pointer was last seen while held; null: nowhere yet. */
let rested: { x: number; y: number } | null = null;
let listening = new AbortController();

/** Lights a filter's points once the pointer has rested; '' puts them out. */
export function hover(filter: string): void {
  if (held === 'by a menu') return;
  asked = filter;
  clearTimeout(timer);
  if (held === 'no') timer = setTimeout(() => (hoveredFilter.value = asked), settleMs);
}

/**
 * Keeps the light as it is while a menu asks what to do with it. Once the menu is gone nothing is lit by hovering until
 * the pointer moves: it then rests on whatever lay below the menu, which nobody pointed at.
 */
export function holdHover(hold: boolean): void {
  clearTimeout(timer);
  if (hold && held === 'no') listen();
  held = hold ? 'by a menu' : 'until the pointer moves';
  if (hold) return;
  asked = '';
  hoveredFilter.value = '';
}

function listen(): void {
  listening = new AbortController();
  const options = { capture: true, signal: listening.signal };
  document.addEventListener('pointerdown', moved, options);
  document.addEventListener('pointermove', moved, options);
  // A key moves the focus, which is as good as a movement; those that the open menu takes are not.
  document.addEventListener('keydown', () => held === 'until the pointer moves' && release(), options);
}

function moved({ clientX: x, clientY: y }: PointerEvent): void {
  if (held === 'by a menu' || rested === null) rested = { x, y };
  else if (Math.hypot(x - rested.x, y - rested.y) > tremblePx) release();
}

function release(): void {
  listening.abort();
  held = 'no';
  rested = null;
  hover(asked);
}
