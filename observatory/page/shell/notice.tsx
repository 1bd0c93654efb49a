/** A short message at the foot of the window, for events that would otherwise go unnoticed. */
import { signal } from '@preact/signals';

const notice = signal('');
let timer: ReturnType<typeof setTimeout> | undefined;

/** Shows a message for eight seconds; screen readers hear it. */
export function notify(text: string): void {
  notice.value = text;
  clearTimeout(timer);
  timer = setTimeout(() => {
    notice.value = '';
  }, 8000);
}

export function Notice() {
  return (
    <output class="notice" aria-live="polite" data-shown={notice.value !== ''}>
      {notice.value}
    </output>
  );
}
