type NumberArray = Uint8Array | Uint32Array | Int32Array | Float64Array | BigInt64Array;

/** Copies arrays into larger ones of the same names and types, and answers those. */
export function moveTo<T extends Record<keyof T, NumberArray>>(larger: T, smaller: T): T {
  // TypeScript cannot tell that two arrays of one name are of one type.
  for (const name of Object.keys(smaller) as (keyof T)[]) (larger[name] as Uint8Array).set(smaller[name] as Uint8Array);
  return larger;
}
