/** The filter of the row under the pointer or focus, whose points the heatmap lights; not part of the address. */
import { signal } from '@preact/signals';

export const hoveredFilter = signal('');

const settleMs = 80;
/** Even a resting hand trembles: only a movement further than this, CSS pixels, is on purpose. */
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
 * Keeps the highlighted points while a menu about them is open. After the menu closes, hovering highlights nothing
 * until the pointer moves: it rests on whatever was below the menu, and the user did not point at that.
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
  // A key moves the focus, which counts as a movement, unless the key is one for the open menu.
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
