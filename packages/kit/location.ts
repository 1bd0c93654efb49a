import { z } from 'zod';

import { ServiceError } from './errors.ts';

/** A point of the city, 0 to 1000 each way; one unit is fifty metres. */
export const locationSchema = z.object({ x: z.number(), y: z.number() });
export type Location = z.infer<typeof locationSchema>;

const coordinate = z.number().min(0).max(1000);
const parameter = z
  .string()
  .regex(/^\d{1,4}(\.\d{1,6})?,\d{1,4}(\.\d{1,6})?$/)
  .transform((text) => text.split(',').map(Number))
  .pipe(z.tuple([coordinate, coordinate]));

/**
 * A location from a query parameter, `x,y`.
 *
 * @throws {ServiceError} `invalid_argument`, which names the parameter.
 */
export function parseLocation(name: string, value: unknown): Location {
  const parsed = parameter.safeParse(value);
  if (!parsed.success)
    throw new ServiceError('invalid_argument', `The parameter "${name}" must be "x,y" with 0 to 1000 each.`);
  const [x, y] = parsed.data;
  return { x, y };
}

/** A location as a query parameter, to the micro-unit: what {@link parseLocation} reads. */
export function formatLocation({ x, y }: Location): string {
  return `${Number(x.toFixed(6))},${Number(y.toFixed(6))}`;
}
