import { createQueue } from '../async/queue.ts';
import { shapeBytes } from '../records/attribute-shapes.ts';
import type { Intake } from '../records/intake.ts';
import type { Signal } from '../records/records.ts';
import type { Telemetry } from '../telemetry.ts';
import { type Encoding, rpcCodes } from './answers.ts';
import { createBuilders, type Decoders, type Rejected } from './decoding.ts';
import { createJsonDecoders } from './json/request.ts';
import { MalformedError } from './malformed-error.ts';
import { countItems, createProtobufDecoders } from './protobuf/request.ts';

/** Something other than success: how HTTP says it, and how gRPC does (`google.rpc.Code`). */
export interface Refusal {
  status: number;
  code: number;
  message: string;
}

/** How long a sender is asked to wait when there is no room, seconds: the queue empties within one or two. */
export const retryAfterSeconds = 1;

/** The refusal of a request for which there will be room soon. */
export function noRoomYet(message: string): Refusal {
  return { status: 429, code: rpcCodes.resourceExhausted, message };
}

const full = noRoomYet('The queue holds as many items as OBSERVATORY_QUEUE_ITEMS allows; send this again.');
/** No setting bounds the bytes that wait, or for how long. */
const behind = noRoomYet('What came before is not stored yet; send this again.');

/** Takes export requests into the store's queue, by whatever protocol they come. */
export interface Taking {
  /**
   * Decodes a request and takes its items, or refuses all of it. Never throws. A request is answered when it was decoded and
   * its items wait in the store's queue, not when they are on disk: a sender has but one request in flight.
   *
   * @param isGone whether the sender no longer waits for the answer: nothing is decoded for it then.
   * @returns how many items were left out because they are not valid; or why nothing was taken.
   */
  take(signal: Signal, encoding: Encoding, bytes: Buffer, isGone?: () => boolean): Promise<Rejected | Refusal>;
}

export function createTaking(intake: Intake, telemetry: Telemetry): Taking {
  const builders = createBuilders();
  const decoders: Record<Encoding, Decoders> = {
    'application/x-protobuf': createProtobufDecoders(builders),
    'application/json': createJsonDecoders(builders),
  };
  // Requests are decoded one after the other: there is only one thread for it, and a decoded request takes several
  // times the memory of its bytes. Without this, many senders at once would fill the memory with requests of which all
  // but the first are then refused.
  const decoding = createQueue();

  function noRoom(items: number): Refusal {
    const reason = intake.failure();
    if (reason === null) return intake.exceedsItems(items) ? full : behind;
    return { status: 503, code: rpcCodes.unavailable, message: `Send this again later: ${reason}.` };
  }

  async function decodeAndTake<S extends Signal>(
    signal: S,
    encoding: Encoding,
    bytes: Buffer,
  ): Promise<Rejected | Refusal> {
    if (encoding === 'application/x-protobuf' && !intake.hasRoom(1, bytes.length)) {
      // The request is refused undecoded, to save work under overload. Items of JSON cannot be counted without decoding
      // them.
      const refusal = noRoom(1);
      telemetry.refused(signal, await countItems(bytes));
      return refusal;
    }
    const { items, rejected, reason } = await decoders[encoding][signal](bytes);
    const size = bytes.length + ('newShapes' in items ? items.newShapes * shapeBytes : 0);
    if (!intake.hasRoom(items.length, size)) {
      telemetry.refused(signal, items.length + rejected);
      return noRoom(items.length);
    }
    telemetry.refused(signal, rejected);
    if (items.length > 0) intake.take(signal, items, size);
    return { rejected, reason: `${rejected} not stored; of the first, ${reason}.` };
  }

  return {
    take: (signal, encoding, bytes, isGone) =>
      decoding(async () => {
        if (isGone?.()) return gone;
        try {
          return await decodeAndTake(signal, encoding, bytes);
        } catch (error) {
          return toRefusal(error);
        }
      }),
  };
}

/** Nobody reads this answer. */
const gone: Refusal = { status: 499, code: rpcCodes.cancelled, message: 'The sender no longer waits.' };

function toRefusal(error: unknown): Refusal {
  if (error instanceof MalformedError) {
    return { status: 400, code: rpcCodes.invalidArgument, message: `The request is malformed: ${error.message}.` };
  }
  return { status: 500, code: rpcCodes.internal, message: 'The request could not be taken.' };
}
