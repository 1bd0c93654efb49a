import type { AttributeSet, ValueType } from './attribute-shapes.ts';

/** Who sent it: what OTLP calls a resource. */
export interface Resource {
  /** `unknown_service` if the sender does not say. */
  service: string;
  version: string | null;
  /** A page in a browser: its spans are the caller's, not a service's. */
  browser: boolean;
  /** The same for the same attributes. */
  fingerprint: string;
  attributes: AttributeSet;
}

/** Attributes as a sink takes them: key, text, type. */
export type ScopeAttributes = readonly (readonly [key: string, value: string, type: ValueType])[];

/** What an item belongs to. */
export interface Origin {
  resource: Resource;
  /** Instrumentation scope: name, or name@version. */
  scope: string | null;
  /** The attributes of the scope. Each of its items gets them, too. */
  scopeAttributes?: ScopeAttributes;
}
