/** A line that leads through the story; in the flow of the page, so that it covers nothing. Put away, it stays away. */
import { signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { state } from '../state/location.ts';
import { advance, parseKept, steps } from './steps.ts';

const key = 'hotrod.guide';
const kept = signal(parseKept(read()));

function read(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null; // a browser that keeps nothing: the guide begins anew each time
  }
}

function keep(step: number | 'away'): void {
  kept.value = step;
  try {
    localStorage.setItem(key, String(step));
  } catch {
    // The step is remembered only while the page is open.
  }
}

export function Guide() {
  const step = kept.value;
  const next = step === 'away' ? step : advance(step, state.value);
  useEffect(() => {
    if (next !== step) keep(next);
  }, [next, step]);
  if (step === 'away') return null;
  return (
    <aside class="guide" aria-label="Guide">
      {/* All steps, stacked: the guide keeps its height from step to step, and the page below it does not move. */}
      <div class="steps" aria-live="polite">
        {steps.map(({ text }, index) => (
          <p key={text} data-shown={index === step}>
            <span class="num muted">
              {index + 1} of {steps.length}
            </span>{' '}
            {text}
          </p>
        ))}
      </div>
      <div class="turns">
        <button type="button" disabled={step === 0} onClick={() => keep(step - 1)}>
          Back
        </button>
        <button type="button" disabled={step === steps.length - 1} onClick={() => keep(step + 1)}>
          Next
        </button>
        <button type="button" onClick={() => keep('away')}>
          Put away
        </button>
      </div>
    </aside>
  );
}
