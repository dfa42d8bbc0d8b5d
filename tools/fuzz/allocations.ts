// Watches how much memory a parser asks for at a time: a number from a file that is believed shows here long before memory ends.

export interface Allocations {
  /** Bytes of the largest array since the last `reset`. */
  readonly largest: number;
  reset(): void;
}

const CLASSES = [
  "ArrayBuffer",
  "Uint8Array",
  "Uint16Array",
  "Int32Array",
  "Uint32Array",
  "Float32Array",
  "Float64Array",
] as const;

/** Replaces the constructors of this thread by ones that note a length before they allocate. */
export function watchAllocations(): Allocations {
  let largest = 0;
  for (const name of CLASSES) {
    const original = globalThis[name];
    const itemBytes = "BYTES_PER_ELEMENT" in original ? original.BYTES_PER_ELEMENT : 1;
    const watched: object = new Proxy<new (...args: never[]) => object>(original, {
      construct(target, args, newTarget): object {
        const length: unknown = args[0];
        if (typeof length === "number" && length * itemBytes > largest) largest = length * itemBytes;
        return Reflect.construct(target, args, newTarget === watched ? target : newTarget);
      },
    });
    Object.defineProperty(globalThis, name, { value: watched });
  }
  return {
    get largest() {
      return largest;
    },
    reset() {
      largest = 0;
    },
  };
}
