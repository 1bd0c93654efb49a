import { useEffect, useRef, useState } from 'preact/hooks';
import { FilterError } from '../../filter/ast.ts';
import { parseFilter } from '../../filter/parse.ts';
import { FilterHint, Underlined } from '../shell/states.tsx';
import { go, state } from '../state/location.ts';
import { complete, expectedAt } from './completion.ts';
import { suggest, type Suggestion } from './suggestions.ts';

/** The filter as text, with completion; applied with Enter or on leaving the field. */
export function FilterInput() {
  const applied = state.value.filter;
  const [draft, setDraft] = useState(applied);
  const [caret, setCaret] = useState<number | null>(null);
  const [offers, setOffers] = useState<Suggestion[]>([]);
  const [chosen, setChosen] = useState(-1);
  const [fault, setFault] = useState<FilterError | null>(null);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    setDraft(applied);
    setFault(null);
  }, [applied]);
  useEffect(() => {
    if (caret === null) {
      setOffers([]);
      return undefined;
    }
    const abort = new AbortController();
    const timer = setTimeout(() => {
      suggest(expectedAt(draft, caret), abort.signal).then(
        (found) => {
          if (abort.signal.aborted) return;
          setOffers(found);
          setChosen(-1);
        },
        () => undefined, // Aborted: the caret has moved on.
      );
    }, 100);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [draft, caret]);

  useEffect(() => {
    document.getElementById(`filter-offer-${chosen}`)?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);

  const apply = (text: string): void => {
    setCaret(null);
    const wrong = faultOf(text);
    setFault(wrong);
    if (wrong === null) go({ filter: text.trim() });
  };
  const take = (suggestion: Suggestion): void => {
    const next = complete(draft, expectedAt(draft, caret ?? draft.length), suggestion.text);
    setDraft(next.text);
    setCaret(next.caret);
    setFault(null);
    requestAnimationFrame(() => {
      input.current?.focus();
      input.current?.setSelectionRange(next.caret, next.caret);
    });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const count = offers.length;
    const offer = offers[chosen];
    if (event.key === 'ArrowDown' && count > 0) setChosen((chosen + 1) % count);
    else if (event.key === 'ArrowUp' && count > 0) setChosen(chosen <= 0 ? count - 1 : chosen - 1);
    else if ((event.key === 'Enter' || (event.key === 'Tab' && caret !== null)) && offer !== undefined) take(offer);
    else if (event.key === 'Enter') apply(draft);
    else if (event.key === 'Escape' && offers.length > 0) setCaret(null);
    else if (event.key === 'Escape') setDraft(applied);
    else return;
    event.preventDefault();
  };
  const follow = (target: HTMLInputElement): void => setCaret(target.selectionStart ?? target.value.length);
  return (
    <div class="filter">
      <input
        ref={input}
        type="text"
        role="combobox"
        class="mono"
        spellcheck={false}
        autocomplete="off"
        autocapitalize="off"
        maxLength={4096}
        aria-label="Filter"
        aria-autocomplete="list"
        aria-expanded={offers.length > 0}
        aria-controls="filter-offers"
        aria-activedescendant={chosen >= 0 ? `filter-offer-${chosen}` : undefined}
        aria-invalid={fault !== null || faultOf(applied) !== null}
        placeholder='Filter, for example  hotrod.customer.name = "Value Walking" and duration > 2s'
        value={draft}
        onInput={(event) => {
          setDraft(event.currentTarget.value);
          setFault(null);
          follow(event.currentTarget);
        }}
        onClick={(event) => follow(event.currentTarget)}
        onKeyDown={onKeyDown}
        onBlur={() => apply(draft)}
      />
      {draft !== '' && (
        <button
          type="button"
          class="plain clear"
          aria-label="Clear the filter"
          onClick={() => (setDraft(''), apply(''))}
        >
          ×
        </button>
      )}
      {caret !== null && offers.length > 0 && (
        <div class="options" id="filter-offers" role="listbox" aria-label="Completions">
          {offers.map((offer, index) => (
            <button
              type="button"
              role="option"
              tabIndex={-1}
              id={`filter-offer-${index}`}
              aria-selected={index === chosen}
              key={offer.text}
              // The field must keep the focus, or leaving it would apply what is half typed.
              onPointerDown={(event) => event.preventDefault()}
              onClick={() => take(offer)}
            >
              <code>{offer.text}</code>
              <small class="muted">{offer.note}</small>
            </button>
          ))}
        </div>
      )}
      {fault !== null && draft !== applied && (
        <div class="fault" role="alert">
          <Underlined text={draft} position={fault.position} />
          <p>{fault.message}</p>
          <FilterHint text={draft} />
        </div>
      )}
    </div>
  );
}

function faultOf(text: string): FilterError | null {
  try {
    parseFilter(text);
    return null;
  } catch (error) {
    if (error instanceof FilterError) return error;
    throw error;
  }
}
