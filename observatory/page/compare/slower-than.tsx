import { useState } from 'preact/hooks';
import { range } from '../state/clock.ts';
import { go, selecting } from '../state/location.ts';
import { parseMs } from './parse-ms.ts';

/** An alternative to dragging for those who prefer to type: everything from a duration on becomes the selection. */
export function SlowerThan() {
  const [text, setText] = useState('');
  const ms = parseMs(text);
  const submit = (event: Event): void => {
    event.preventDefault();
    if (ms === null) return;
    go(selecting({ fromMs: null, toMs: null, minMs: ms, maxMs: null }, range.peek()));
  };
  return (
    <form class="row" onSubmit={submit}>
      <label>
        Or compare all that took at least{' '}
        <input
          type="text"
          class="short num"
          placeholder="1.5 s"
          value={text}
          aria-invalid={text !== '' && ms === null}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={ms === null}>
        Compare
      </button>
    </form>
  );
}
