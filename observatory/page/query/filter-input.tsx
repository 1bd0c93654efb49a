import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { type Expression, FilterError } from '../../filter/ast.ts';
import { parseFilter } from '../../filter/parse.ts';
import { FilterHint, Underlined } from '../shell/states.tsx';
import { go, state } from '../state/location.ts';
import { complete, expectedAt, isWords, traceIdOf } from './completion.ts';
import { renameKey, type UnknownKey, unknownKeys } from './nearest-key.ts';
import { conditionMeant, keysKnown, learnKeys, suggest, suggestAtOnce, type Suggestion } from './suggestions.ts';

/** The filter as text, with completion; applied with Enter or on leaving the field. */
export function FilterInput() {
  const applied = state.value.filter;
  const [draft, setDraft] = useState(applied);
  const [caret, setCaret] = useState<number | null>(null);
  const [offers, setOffers] = useState<Suggestion[]>([]);
  const [chosen, setChosen] = useState(-1);
  const [fault, setFault] = useState<FilterError | null>(null);
  const input = useRef<HTMLInputElement>(null);
  const [meant, setMeant] = useState<string | null>(null);
  // Not with the next frame: a letter that is written before it would be lost.
  useLayoutEffect(() => {
    setDraft(applied);
    setFault(null);
  }, [applied]);
  /** Where the caret goes with the text that is about to be shown. */
  const caretNext = useRef<number | null>(null);
  useLayoutEffect(() => {
    if (caretNext.current === null) return;
    input.current?.focus();
    input.current?.setSelectionRange(caretNext.current, caretNext.current);
    caretNext.current = null;
  });
  /** Whether the user moves through the offers with the keyboard. Then the offers do not change. */
  const walking = useRef(false);
  walking.current = chosen >= 0;
  useEffect(() => {
    if (caret === null) return undefined;
    const abort = new AbortController();
    const timer = setTimeout(() => {
      suggest(expectedAt(draft, caret), abort.signal).then(
        (found) => {
          if (!abort.signal.aborted && !walking.current) setOffers(found);
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
    setMeant(null);
    if (fault === null || !isWords(draft)) return undefined;
    const abort = new AbortController();
    // Aborted: something else was written.
    conditionMeant(draft.trim(), abort.signal).then(setMeant, () => undefined);
    return () => abort.abort();
  }, [fault]);

  useEffect(() => {
    document.getElementById(`filter-offer-${chosen}`)?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);

  /** Offers are for one place in one text. For another place they are replaced at once. */
  const stand = (text: string, position: number | null): void => {
    setDraft(text);
    setCaret(position);
    setOffers(position === null ? [] : (suggestAtOnce(expectedAt(text, position), keysKnown()) ?? []));
    setChosen(-1);
  };
  const apply = (text: string): void => {
    stand(text, null);
    const traceId = traceIdOf(text);
    if (traceId !== null) {
      stand(applied, null);
      go({ traceId, spanId: null, find: '' });
      return;
    }
    const wrong = faultOf(text);
    setFault(wrong);
    if (wrong === null) go({ filter: text.trim() });
  };
  const take = (suggestion: Suggestion): void => {
    const next = complete(draft, expectedAt(draft, caret ?? draft.length), suggestion.text);
    stand(next.text, next.caret);
    setFault(null);
    caretNext.current = next.caret;
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const count = offers.length;
    const offer = offers[chosen];
    if (event.key === 'ArrowDown' && count > 0) setChosen((chosen + 1) % count);
    else if (event.key === 'ArrowUp' && count > 0) setChosen(chosen <= 0 ? count - 1 : chosen - 1);
    else if ((event.key === 'Enter' || (event.key === 'Tab' && caret !== null)) && offer !== undefined) take(offer);
    else if (event.key === 'Enter') apply(draft);
    else if (event.key === 'Escape' && offers.length > 0) stand(draft, null);
    else if (event.key === 'Escape') setDraft(applied);
    else return;
    event.preventDefault();
  };
  const follow = (target: HTMLInputElement): void => {
    stand(target.value, target.selectionStart ?? target.value.length);
  };
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
          setFault(null);
          if (traceIdOf(event.currentTarget.value) === null) follow(event.currentTarget);
          else apply(event.currentTarget.value);
        }}
        onFocus={() => void learnKeys(new AbortController().signal)}
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
          <FilterHint meant={meant !== null && <Meant condition={meant} apply={apply} />} />
        </div>
      )}
      <UnknownKeys />
    </div>
  );
}

/** Offers what bare words probably mean; a click takes it. */
function Meant({ condition, apply }: { condition: string; apply: (text: string) => void }) {
  return (
    <>
      Did you mean{' '}
      <button
        type="button"
        class="plain link"
        onPointerDown={(event) => event.preventDefault()}
        onClick={() => apply(condition)}
      >
        <code>{condition}</code>
      </button>
      ?{' '}
    </>
  );
}

/** Says which keys of the applied filter nothing has, and offers the most similar keys that something has. */
function UnknownKeys() {
  const { filter } = state.value;
  const [unknown, setUnknown] = useState<UnknownKey[]>([]);
  useEffect(() => {
    setUnknown([]);
    const expression = parsed(filter);
    if (expression === undefined) return undefined;
    const abort = new AbortController();
    learnKeys(abort.signal).then(
      () => setUnknown(unknownKeys(expression, keysKnown())),
      () => undefined, // Aborted: there is another filter.
    );
    return () => abort.abort();
  }, [filter]);
  return unknown.map(({ key, nearest }) => (
    <p class="unknown-key" role="status" key={key}>
      Nothing that is stored has an attribute <code>{key}</code>.
      {nearest !== null && (
        <>
          {' '}
          Did you mean{' '}
          <button type="button" class="plain link" onClick={() => go({ filter: renameKey(filter, key, nearest) })}>
            <code>{nearest}</code>
          </button>
          ?
        </>
      )}
    </p>
  ));
}

function parsed(text: string): Expression | undefined {
  return faultOf(text) === null ? parseFilter(text) : undefined;
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
