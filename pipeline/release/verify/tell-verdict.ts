import { createPlace, type PlaceAddress } from '../marker/places.ts';
import type { CommandContext } from '../command.ts';
import { summaryOf } from './report.ts';
import type { VerifyResult } from './verify.ts';

/** The type of the markers that carry a verdict: the Observatory's releases show what they say. */
export const verdictType = 'verdict';
/** How much of a summary fits on a label, characters. */
const longestSummary = 400;

/**
 * Tells a verdict at the places that show markers: a window over the time of the new release that was looked at, for each
 * service `better: customer 0.1.0+1a2b3c4: p95 …`. A place that cannot be reached is a warning, as with every marker.
 */
export async function describeVerdict(
  result: VerifyResult,
  places: readonly PlaceAddress[],
  context: CommandContext,
): Promise<void> {
  const { verdict, versions, candidateRange, link } = result;
  const nowMs = Date.now();
  const { fromMs, toMs } = candidateRange ?? { fromMs: nowMs, toMs: nowMs };
  const summary = summaryOf(result).slice(0, longestSummary);
  const tell = async (address: PlaceAddress, service: string, version: string) => {
    const place = createPlace(address, context.env, '__all__');
    const fields = {
      start_time: Math.floor(fromMs / 1000),
      end_time: Math.floor(toMs / 1000),
      message: `${verdict}: ${service} ${version}: ${summary}`,
      type: verdictType,
      ...(link === null ? {} : { url: link }),
    };
    try {
      await place.mark(fields);
    } catch (error) {
      if (!(error instanceof Error)) throw error;
      context.stderr(`warning: ${place.name} did not take the verdict: ${error.message}`);
    }
  };
  await Promise.all(
    places.flatMap((address) =>
      Object.entries(versions.candidate).map(async ([service, version]) => tell(address, service, version)),
    ),
  );
}
