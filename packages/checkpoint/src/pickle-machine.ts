// The state of a pickle being read: position, stack, marks and memo, with every access checked.

import { type Budget, type BudgetOptions, headerBudget } from "@ll/bytes";
import { CheckpointError } from "./errors.ts";
import { PICKLE_CONTAINERS, PICKLE_MEMO, PICKLE_OPCODES, PICKLE_STACK } from "./limits.ts";
import { kindOf, type PickleValue } from "./pickle-values.ts";

export interface PickleOptions extends BudgetOptions {
  /** Shown in errors. */
  readonly file?: string | undefined;
  /** Offset of the pickle in that file. */
  readonly baseOffset?: number;
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export class PickleMachine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #options: PickleOptions;
  readonly #budget: Budget;
  readonly #stack: PickleValue[] = [];
  /** Stack heights at which MARKs were set. */
  readonly #marks: number[] = [];
  readonly #memo = new Map<number, PickleValue>();
  /** One past the last byte of the current frame; a frame is over once the position has reached it. */
  #frameEnd = 0;
  #inFrame = false;
  #position = 0;
  #opcodeStart = 0;
  #opcodeName = "";
  #nContainers = 0;
  #result: PickleValue | undefined;
  /** 0 until PROTO was read. */
  protocol = 0;

  constructor(bytes: Uint8Array, options: PickleOptions) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#options = options;
    this.#budget = options.budget ?? headerBudget(bytes.length, options.file, CheckpointError);
  }

  get position(): number {
    return this.#position;
  }

  get remaining(): number {
    return this.#bytes.length - this.#position;
  }

  /** Reads the code of the next operation. */
  nextOpcode(): number {
    this.#opcodeStart = this.#position;
    this.#opcodeName = "opcode";
    this.steps(1);
    this.#inFrame = this.#position < this.#frameEnd;
    return this.u8();
  }

  /** Names the operation being run, for errors. */
  enter(opcodeName: string): void {
    this.#opcodeName = opcodeName;
  }

  /** Charges work: an opcode, a value moved or looked at. */
  steps(count: number): void {
    this.#budget.takeSteps(count, "pickle", this.#offset);
  }

  // ---- operands ----

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }

  /** @throws `E_LENGTH` over 2^53 − 1; `code` is another code for that. */
  u64(code = "E_LENGTH"): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER)) {
      throw this.error(code, "a length does not fit the file", {
        expected: `at most ${this.remaining}`,
        got: `${value}`,
      });
    }
    return Number(value);
  }

  /** A big-endian double: the one number of a pickle in that order. */
  f64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }

  /** The next `length` bytes, not copied. */
  bytes(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, start + length);
  }

  /** A string of `length` bytes. @throws `E_LENGTH`, `E_TRUNC` or `E_UTF8`. */
  text(length: number): string {
    return this.#decode(this.bytes(length));
  }

  /** A string that a line feed ends. */
  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#position);
    if (end < 0) throw this.error("E_TRUNC", "pickle ends inside a name", { expected: "a line feed", got: "the end" });
    const text = this.#decode(this.bytes(end - this.#position));
    this.#take(1);
    return text;
  }

  /** Begins a frame of `length` bytes. @throws `E_FRAME` inside another frame or past the end. */
  frame(length: number): void {
    if (this.#inFrame)
      throw this.error("E_FRAME", "a frame begins inside a frame", { expected: "no frame", got: "FRAME" });
    if (length > this.remaining) {
      throw this.error("E_FRAME", "a frame ends after the pickle", {
        expected: `at most ${this.remaining}`,
        got: length,
      });
    }
    this.#frameEnd = this.#position + length;
  }

  // ---- stack ----

  push(value: PickleValue): void {
    if (this.#stack.length >= PICKLE_STACK) throw this.limitError("stack", PICKLE_STACK);
    this.#budget.takeItems(1, "pickle", this.#offset);
    this.#stack.push(value);
  }

  /** Pushes a container that is new: many small ones take far more memory than the file has bytes. */
  pushNew(container: PickleValue): void {
    if (this.#nContainers++ >= PICKLE_CONTAINERS) throw this.limitError("containers", PICKLE_CONTAINERS);
    this.push(container);
  }

  /** @throws `E_PICKLE_STACK` if nothing lies above the last MARK. */
  pop(): PickleValue {
    return this.popMany(1)[0] as PickleValue;
  }

  /** The `count` topmost values, lowest first. */
  popMany(count: number): PickleValue[] {
    const floor = this.#marks.at(-1) ?? 0;
    if (this.#stack.length - count < floor) {
      const got = this.#stack.length - floor;
      throw this.error("E_PICKLE_STACK", "too few values on the stack", { expected: `${count} or more`, got });
    }
    this.steps(count);
    return this.#stack.splice(this.#stack.length - count);
  }

  /** The topmost value, which stays. */
  peek(): PickleValue {
    const value = this.pop();
    this.#stack.push(value);
    return value;
  }

  mark(): void {
    if (this.#marks.length >= PICKLE_STACK) throw this.limitError("marks", PICKLE_STACK);
    this.#marks.push(this.#stack.length);
  }

  /** The values above the last MARK, lowest first; the MARK goes with them. */
  popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) {
      throw this.error("E_PICKLE_STACK", "no MARK on the stack", { expected: "a MARK", got: "none" });
    }
    this.steps(this.#stack.length - mark);
    return this.#stack.splice(mark);
  }

  /** Ends the pickle. @throws `E_PICKLE_STACK` unless exactly one value and no MARK is left; `E_TRAILING` before the end. */
  stop(): void {
    if (this.#stack.length !== 1 || this.#marks.length !== 0) {
      const got = `${this.#stack.length} values, ${this.#marks.length} marks`;
      throw this.error("E_PICKLE_STACK", "STOP needs one value on the stack", { expected: "1 value, 0 marks", got });
    }
    if (this.remaining > 0) {
      const got = `${this.remaining} bytes`;
      throw this.error("E_TRAILING", "bytes after the pickle", { expected: "the end", got });
    }
    this.#result = this.#stack[0] as PickleValue;
  }

  /** What the pickle holds; undefined until STOP. */
  get result(): PickleValue | undefined {
    return this.#result;
  }

  // ---- memo ----

  remember(index: number): void {
    const value = this.peek();
    if (index >= PICKLE_OPCODES) {
      throw this.error("E_MEMO", "memo index too large", { expected: `below ${PICKLE_OPCODES}`, got: index });
    }
    if (this.#memo.size >= PICKLE_MEMO && !this.#memo.has(index)) throw this.limitError("memo", PICKLE_MEMO);
    this.#memo.set(index, value);
  }

  /** MEMOIZE: the next index is the number of memo entries. */
  rememberNext(): void {
    this.remember(this.#memo.size);
  }

  recall(index: number): PickleValue {
    const value = this.#memo.get(index);
    if (value === undefined) {
      throw this.error("E_MEMO", "memo entry was never set", { expected: "a memo index in use", got: index });
    }
    return value;
  }

  // ---- errors: made here, thrown by the caller ----

  error(code: string, message: string, values: { expected: string | number; got: string | number }): CheckpointError {
    return new CheckpointError({
      code,
      file: this.#options.file,
      offset: this.#offset,
      field: `pickle.${this.#opcodeName}`,
      message,
      ...values,
    });
  }

  typeError(expected: string, got: PickleValue): CheckpointError {
    return this.error("E_PICKLE_TYPE", `${expected} expected, got ${kindOf(got)}`, { expected, got: kindOf(got) });
  }

  limitError(what: string, limit: number): CheckpointError {
    const values = { expected: `at most ${limit}`, got: `more than ${limit}` };
    return this.error("E_LIMIT", `pickle passes the limit of ${limit} (${what})`, values);
  }

  /** Of the operation being run, in the file. */
  get #offset(): number {
    return (this.#options.baseOffset ?? 0) + this.#opcodeStart;
  }

  /** Steps over `length` bytes and returns where they start. */
  #take(length: number): number {
    const start = this.#position;
    if (length > this.remaining) {
      const values = { expected: `${length} bytes`, got: `${this.remaining} bytes` };
      throw this.error("E_TRUNC", "pickle ends inside an operation", values);
    }
    if (this.#inFrame && start + length > this.#frameEnd) {
      const values = { expected: `${length} bytes`, got: `${this.#frameEnd - start} bytes` };
      throw this.error("E_FRAME", "a frame ends inside an operation", values);
    }
    this.#position += length;
    return start;
  }

  #decode(bytes: Uint8Array): string {
    this.#budget.takeBytes(bytes.length, "pickle", this.#offset);
    try {
      return utf8.decode(bytes);
    } catch {
      throw this.error("E_UTF8", "a string is not UTF-8", { expected: "UTF-8", got: "other bytes" });
    }
  }
}
