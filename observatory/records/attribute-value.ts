/** A value of an attribute or of a log's body, as OTLP can hold it. */
export type AttributeValue = string | number | boolean | AttributeValue[] | { [key: string]: AttributeValue } | null;
