import { useEffect, useRef, useState } from 'preact/hooks';
import { type AttributeKey, attributeKeysSchema } from '../../contract/contract.ts';
import { apiPath } from '../api/client.ts';
import { useAnswer } from '../api/use-answer.ts';
import { formatCount } from '../format/number.ts';
import { go, state } from '../state/location.ts';

/** Fields of every span, offered beside its attributes. */
const ownFields = ['service', 'name', 'kind', 'status', 'error'];

/** The attributes the table groups by, and the list to pick another from. */
export function KeyPicker() {
  const { by } = state.value;
  const [open, setOpen] = useState(false);
  return (
    <span class="keys">
      <span class="muted">Group by</span>
      {by.map((key) => (
        <span class="chip" key={key}>
          {key}
          <button
            type="button"
            class="plain"
            aria-label={`Do not group by ${key}`}
            onClick={() => go({ by: by.filter((other) => other !== key) })}
          >
            ×
          </button>
        </span>
      ))}
      {by.length < 2 && (
        <span class="picker">
          <button type="button" aria-expanded={open} aria-haspopup="listbox" onClick={() => setOpen(!open)}>
            {by.length === 0 ? 'Pick an attribute' : 'And by'} <span aria-hidden="true">▾</span>
          </button>
          {open && <KeyList onClose={() => setOpen(false)} />}
        </span>
      )}
    </span>
  );
}

function KeyList({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState('');
  const frame = useRef<HTMLDivElement>(null);
  const answer = useAnswer(attributeKeysSchema, apiPath('attributes', {}));
  useEffect(() => {
    frame.current?.querySelector('input')?.focus();
    const outside = (event: Event): void => {
      if (event.target instanceof Node && frame.current?.parentElement?.contains(event.target) === false) onClose();
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, []);
  const { by } = state.value;
  const known = (answer.data ?? []).filter(({ key }) => !ownFields.includes(key));
  const wanted = text.toLowerCase();
  const rows = [
    ...ownFields.map((key) => ({ key, spans: null })),
    ...known.toSorted((a, b) => rank(a) - rank(b)),
  ].filter(({ key }) => !by.includes(key) && key.toLowerCase().includes(wanted));
  const pick = (key: string): void => {
    onClose();
    go({ by: [...by, key], view: 'groups' });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const buttons = [...(frame.current?.querySelectorAll<HTMLElement>('[role=option]') ?? [])];
    const index = buttons.indexOf(document.activeElement as HTMLElement);
    if (event.key === 'ArrowDown') buttons[Math.min(buttons.length - 1, index + 1)]?.focus();
    else if (event.key === 'ArrowUp')
      (index <= 0 ? frame.current?.querySelector('input') : buttons[index - 1])?.focus();
    else if (event.key === 'Enter' && index < 0 && rows[0] !== undefined) pick(rows[0].key);
    else if (event.key === 'Escape') onClose();
    else return;
    event.preventDefault();
  };
  return (
    <div class="popover" ref={frame} onKeyDown={onKeyDown}>
      <input
        type="search"
        placeholder="Search the attributes"
        aria-label="Search the attributes"
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
      <div class="options" role="listbox" aria-label="Attributes">
        {rows.slice(0, 200).map(({ key, spans }) => (
          <button type="button" role="option" aria-selected="false" key={key} onClick={() => pick(key)}>
            <span>{key}</span>
            <small class="muted num">{spans === null ? '' : formatCount(spans)}</small>
          </button>
        ))}
        {rows.length === 0 && <p class="muted">No attribute has this in its name.</p>}
      </div>
    </div>
  );
}

/** HotROD's own attributes before those that every library sets, then by how many spans have them. */
function rank({ key, spans }: AttributeKey): number {
  return (key.startsWith('hotrod.') ? 0 : 1) - spans / (spans + 1e6);
}
