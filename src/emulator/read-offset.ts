/**
 * The offset of a ReadRows request, which the emulator passes over: messages of rows before it are left out of the answer.
 * The rest of the protocol is not looked at. Source: `ReadRowsRequest` and `ReadRowsResponse` of
 * google/cloud/bigquery/storage/v1/storage.proto; gRPC puts five bytes before a message, one for compression, four of length.
 */
import { Transform, type TransformCallback } from 'node:stream';

const FRAME_BYTES = 5;
const REQUEST_OFFSET = 2;
const RESPONSE_ROW_COUNT = 6;

/** The offset that a whole request asks for. */
export const offsetOf = (request: Buffer): number => integerField(request.subarray(FRAME_BYTES), REQUEST_OFFSET);

/** Leaves out the messages of the first `offset` rows. Fails where that is in the middle of one: the emulator cuts the same each time. */
export function skipRows(offset: number): Transform {
  let left = offset;
  let pending = Buffer.alloc(0);
  return new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback): void {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= FRAME_BYTES) {
        const end = FRAME_BYTES + pending.readUInt32BE(1);
        if (pending.length < end) break;
        const frame = pending.subarray(0, end);
        pending = pending.subarray(end);
        if (left === 0) this.push(frame);
        else left -= integerField(frame.subarray(FRAME_BYTES), RESPONSE_ROW_COUNT);
        if (left < 0) {
          done(new Error(`the offset ${offset} is in the middle of a message`));
          return;
        }
      }
      done();
    },
  });
}

/** A field of a protobuf message that is a varint; 0 where it is missing. */
function integerField(message: Buffer, wanted: number): number {
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const [field, wire] = [tag >> 3, tag & 7];
    if (wire === 0) {
      const value = varint();
      if (field === wanted) return value;
    } else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = varint();
      at += length;
    } else throw new Error(`protobuf of wire type ${wire} is not read`);
  }
  return 0;
}
