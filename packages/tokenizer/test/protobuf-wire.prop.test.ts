// The wire reader against pbf, an independent implementation: what one writes, the other reads the same.

import { fc, test } from "@fast-check/vitest";
import { PbfReader, PbfWriter } from "pbf";
import { expect } from "vitest";
import { readSentencePieceModel } from "../src/index.ts";
import { WireReader } from "../src/protobuf-wire.ts";
import { modelBytes, type PieceFields, pieceField, varintField } from "./support/model-bytes.ts";

// pbf writes numbers from 2^28 on with a wrong sign
const fieldNumber = fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 2 ** 28 - 1 }));
const float = fc.float({ noNaN: true });
const field = fc.oneof(
  fc.record({ kind: fc.constant("int32" as const), number: fieldNumber, value: fc.integer() }),
  fc.record({ kind: fc.constant("bool" as const), number: fieldNumber, value: fc.boolean() }),
  fc.record({ kind: fc.constant("float" as const), number: fieldNumber, value: float }),
  fc.record({ kind: fc.constant("double" as const), number: fieldNumber, value: fc.double() }),
  fc.record({ kind: fc.constant("bytes" as const), number: fieldNumber, value: fc.uint8Array({ maxLength: 300 }) }),
);

test.prop([fc.array(field)])("reads what pbf writes", (fields) => {
  const writer = new PbfWriter();
  for (const { kind, number, value } of fields) {
    if (kind === "int32") writer.writeVarintField(number, value);
    else if (kind === "bool") writer.writeBooleanField(number, value);
    else if (kind === "float") writer.writeFloatField(number, value);
    else if (kind === "double") writer.writeDoubleField(number, value);
    else writer.writeBytesField(number, value);
  }
  const wire = new WireReader(writer.finish(), undefined);
  for (const { kind, number, value } of fields) {
    expect(wire.next()).toBe(true);
    expect(wire.fieldNumber).toBe(number);
    if (kind === "int32") expect(wire.int32("x")).toBe(value);
    else if (kind === "bool") expect(wire.bool("x")).toBe(value);
    else if (kind === "float") expect(wire.float32("x")).toBe(value);
    else if (kind === "double") wire.skip();
    else expect([...wire.bytes("x")]).toEqual([...value]);
  }
  expect(wire.next()).toBe(false);
});

test.prop([fc.array(field), fc.nat(1000)])(
  "skips what it does not want, and ends where pbf ends",
  (fields, unknown) => {
    const writer = new PbfWriter();
    for (const { kind, number, value } of fields) {
      if (kind === "int32") writer.writeVarintField(number, value);
      else if (kind === "bytes") writer.writeBytesField(number, value);
      else writer.writeDoubleField(number, Number(value));
    }
    writer.writeVarintField(1 + unknown, 7);
    const bytes = writer.finish();
    const wire = new WireReader(bytes, undefined);
    const mine: number[] = [];
    while (wire.next()) {
      mine.push(wire.fieldNumber);
      wire.skip();
    }
    const theirs = new PbfReader(bytes).readFields<number[]>((tag, list) => list.push(tag), []);
    expect(mine).toEqual(theirs);
    expect(wire.offset).toBe(bytes.length);
  },
);

interface Piece {
  readonly text: string;
  readonly score: number | undefined;
  readonly type: number | undefined;
}

/** One unknown piece and any number of others, all different. */
const pieces: fc.Arbitrary<Piece[]> = fc
  .uniqueArray(
    fc.record({
      text: fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !text.includes("\0") && text !== "<unk>"),
      score: fc.option(float.filter(Number.isFinite), { nil: undefined }),
      type: fc.constantFrom(undefined, 1, 3, 4, 5),
    }),
    { selector: ({ text }) => text },
  )
  .map((others) => [{ text: "<unk>", score: 0, type: 2 }, ...others]);

const TYPES = ["", "normal", "unknown", "control", "user-defined", "unused"];

test.prop([pieces, fc.boolean(), fc.boolean()])("reads models that pbf writes", (list, prefix, escaped) => {
  const writer = new PbfWriter();
  for (const piece of list) {
    writer.writeMessage(
      1,
      ({ text, score, type }: Piece, message: PbfWriter) => {
        if (type !== undefined) message.writeVarintField(3, type); // fields may come in any order
        if (score !== undefined) message.writeFloatField(2, score);
        message.writeBytesField(1, new TextEncoder().encode(text)); // its own way of writing strings garbles U+20000
      },
      piece,
    );
  }
  writer.writeMessage(
    2,
    (_: unknown, message: PbfWriter) => {
      message.writeVarintField(3, 2);
      message.writeVarintField(4, list.length);
      message.writeVarintField(41, -1);
      message.writeVarintField(42, -1);
    },
    undefined,
  );
  writer.writeMessage(
    3,
    (_: unknown, message: PbfWriter) => {
      message.writeBooleanField(3, prefix);
      message.writeBooleanField(5, escaped);
    },
    undefined,
  );
  expect(readSentencePieceModel(writer.finish())).toEqual({
    pieces: list.map(({ text, score, type }) => ({ text, score: score ?? 0, type: TYPES[type ?? 1] })),
    normalizer: { addDummyPrefix: prefix, removeExtraWhitespaces: true, escapeWhitespaces: escaped },
    trainer: { modelType: "bpe", vocabSize: list.length, unkId: 0, bosId: -1, eosId: -1 },
  });
});

test.prop([pieces, fc.integer()])("pbf reads what the tests write", (list, vocabSize) => {
  const fields: PieceFields[] = list.map(({ text, score, type }) => ({ text, score: score ?? 0, type: type ?? 1 }));
  expect(fields.flatMap(pieceField).length).toBeGreaterThan(0);
  const read = new PbfReader(modelBytes(fields, [varintField(99, vocabSize)])).readFields<unknown[]>(
    (tag, found, pbf) => {
      if (tag === 99) found.push(pbf.readVarint(true));
      else
        found.push(
          pbf.readMessage((inner, piece: Record<string, unknown>, message) => {
            if (inner === 1) piece["text"] = message.readString();
            if (inner === 2) piece["score"] = message.readFloat();
            if (inner === 3) piece["type"] = message.readVarint();
          }, {}),
        );
    },
    [],
  );
  expect(read).toEqual([...fields, vocabSize]);
});
