// The parts of WebAssembly and of Node that the kernels touch. This package is compiled without typings of either, and runs
// where only one of them is there.

/** A `WebAssembly.Memory`. */
export interface WasmMemory {
  readonly buffer: ArrayBufferLike;
}

/** Exported functions of a module, by name. */
export type WasmExports = Readonly<Record<string, (...args: number[]) => number>>;

interface WasmApi {
  readonly Instance: new (module: object, imports: object) => { readonly exports: WasmExports };
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (descriptor: { initial: number }) => WasmMemory;
  validate(bytes: Uint8Array): boolean;
  compile(bytes: Uint8Array): Promise<object>;
}

/** Node's module `v8`. */
export interface V8 {
  setFlagsFromString(flag: string): void;
  /** A hash of V8's version, its flags and the processor: equal flags have equal tags. */
  cachedDataVersionTag(): number;
}

interface Globals {
  readonly WebAssembly?: WasmApi;
  readonly performance: { now(): number };
  readonly setImmediate?: (callback: () => void) => unknown;
  readonly setTimeout: (callback: () => void) => unknown;
  readonly process?: {
    readonly arch?: string;
    readonly versions?: { readonly v8?: string; readonly bun?: string };
    readonly execArgv?: readonly string[];
    readonly getBuiltinModule?: (name: string) => unknown;
    readonly threadCpuUsage?: () => { readonly user: number; readonly system: number };
  };
}

const globals = globalThis as unknown as Globals;

/** The `WebAssembly` object; some runtimes have none, or forbid its use by leaving it out. */
export function webAssembly(): WasmApi | undefined {
  return globals.WebAssembly;
}

/**
 * Where V8's 256-bit code was measured to be faster: Node 24, 25 and 26. That of Node 22 takes 16 s to make and gains nothing, nor does
 * that of Node 23. Bun and Deno have a `node:v8` that changes nothing. Measure a new V8 with bench/kernels.bench.ts before you add it.
 */
const WIDE_V8 = /^(13\.6|14\.1|14\.6)\..*-node\.\d+$/;

/** Node's `v8` module where V8 makes good 256-bit code; undefined elsewhere, as in every browser. */
export function wideV8(): V8 | undefined {
  const { process } = globals;
  const { v8 = "", bun } = process?.versions ?? {};
  if (process?.arch !== "x64" || bun !== undefined || !WIDE_V8.test(v8)) return undefined;
  return process.getBuiltinModule?.("node:v8") as V8 | undefined;
}

/** Options on the command line that Node gave to V8. */
export function commandLineFlags(): readonly string[] {
  return globals.process?.execArgv ?? [];
}

/** Milliseconds on a clock that never goes back. */
export function now(): number {
  return globals.performance.now();
}

/** Milliseconds of processor time that this thread has taken; always 0 where the runtime does not tell. */
export function threadMs(): number {
  const { user, system } = globals.process?.threadCpuUsage?.() ?? { user: 0, system: 0 };
  return (user + system) / 1000;
}

/** Waits for a turn of the event loop, in which signals are heard. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void (globals.setImmediate ?? globals.setTimeout)(resolve));
}

/** In one step where there is one. */
export function bytesFromHex(hex: string): Uint8Array {
  const { fromHex } = Uint8Array as unknown as { fromHex?(hex: string): Uint8Array };
  if (fromHex !== undefined) return fromHex.call(Uint8Array, hex);
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = (digitOf(hex.charCodeAt(2 * i)) << 4) | digitOf(hex.charCodeAt(2 * i + 1));
  }
  return bytes;
}

/** 0 … 9, a … f. */
function digitOf(code: number): number {
  return code - (code < 0x61 ? 0x30 : 0x57);
}

/** (func (param v128) (result v128) (i32x4.dot_i16x8_s (local.get 0) (local.get 0))) */
const SIMD_PROBE = [0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 123, 1, 123, 3, 2, 1, 0].concat([
  10, 11, 1, 9, 0, 32, 0, 32, 0, 253, 186, 1, 11,
]);

/** The same with (i32x4.relaxed_dot_i8x16_i7x16_add_s (local.get 0) (local.get 0) (local.get 0)). */
const RELAXED_PROBE = [0, 97, 115, 109, 1, 0, 0, 0, 1, 6, 1, 96, 1, 123, 1, 123, 3, 2, 1, 0].concat([
  10, 13, 1, 11, 0, 32, 0, 32, 0, 32, 0, 253, 147, 2, 11,
]);

/** What the runtime's WebAssembly can do. */
export function wasmFeatures(): { readonly simd: boolean; readonly relaxedSimd: boolean } {
  const api = webAssembly();
  return {
    simd: api?.validate(Uint8Array.from(SIMD_PROBE)) ?? false,
    relaxedSimd: api?.validate(Uint8Array.from(RELAXED_PROBE)) ?? false,
  };
}
