// Reads what a parser has located: a span that reaches past its file shows only then.

interface Located {
  readonly byteLength: number;
  read(offset: number, target: Uint8Array): Promise<void>;
}

/** More bytes than any input has. */
const MAX_BYTES = 1 << 18;

/** @throws Error if a tensor is said to have more bytes than its file */
export async function readTensors(tensors: Iterable<Located>): Promise<void> {
  for (const tensor of tensors) {
    if (tensor.byteLength > MAX_BYTES) throw new Error(`a tensor of ${tensor.byteLength} bytes was accepted`);
    await tensor.read(0, new Uint8Array(tensor.byteLength));
  }
}
