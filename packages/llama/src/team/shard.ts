// One shard: a WebAssembly memory with its share of the weights, and the steps of a forward pass over that share. The order of
// the arithmetic is that of forward.ts; what differs is who computes which rows.

import { type Kernels, unpackRows } from "@ll/quant";
import type { ModelConfig } from "../config.ts";
import type { LlamaKernels } from "../kernels/index.ts";
import type { KvType } from "../kv-type.ts";
import { ropeAngles } from "../ops/angles.ts";
import type { PlacedLayer, PlacedMatrix, PlacedVector } from "./arena.ts";
import type { Exchange } from "./exchange.ts";
import { multiply, type Product, type ProductStep, packInput, pieceRows, productStep } from "./matrix-products.ts";
import type { MemoryRegions } from "./memory-regions.ts";
import type { Pieces } from "./pieces.ts";
import type { ShardPlan } from "./planner.ts";
import { sizeOf } from "./ranges.ts";
import { ShardCache } from "./shard-cache.ts";
import { ShardMemory } from "./shard-memory.ts";

/** A slice of tokens on its way through the layers. */
export interface Slice {
  readonly tokens: Int32Array; // (n), at most sliceTokens
  /** Position of the first. */
  readonly position: number;
  /** Rows of logits wanted: 0, 1 (of the last token) or n. */
  readonly nLogitRows: number;
}

interface LayerSteps {
  readonly placed: PlacedLayer;
  readonly queryKeyValue: ProductStep<readonly [Product, Product, Product]>;
  readonly attentionOut: ProductStep<readonly [Product]>;
  readonly gateUp: ProductStep<readonly [Product, Product]>;
  readonly down: ProductStep<readonly [Product]>;
}

/** What a shard is made of. */
export interface ShardParts {
  readonly plan: ShardPlan;
  readonly config: ModelConfig;
  readonly kernels: Kernels;
  readonly llama: LlamaKernels;
  /** Of the same memory, for caches. */
  readonly regions: MemoryRegions;
  readonly exchange: Exchange;
  readonly sliceTokens: number;
  /** The shard that keeps the embedding vector. */
  readonly isFirst: boolean;
}

export class Shard {
  readonly plan: ShardPlan;
  readonly kernels: Kernels;
  readonly #parts: ShardParts;
  readonly #config: ModelConfig;
  readonly #llama: LlamaKernels;
  readonly #exchange: Exchange;
  readonly #layers: readonly LayerSteps[];
  readonly #output: ProductStep<readonly [Product]>;
  readonly #memory: ShardMemory;

  constructor(parts: ShardParts) {
    const { plan, kernels, sliceTokens } = parts;
    this.plan = plan;
    this.kernels = kernels;
    this.#parts = parts;
    this.#config = parts.config;
    this.#llama = parts.llama;
    this.#exchange = parts.exchange;
    this.#memory = new ShardMemory(kernels.memory);
    const { work, layers, output } = plan.layout;
    const step = <const Matrices extends readonly PlacedMatrix[]>(...matrices: Matrices) =>
      productStep(kernels, work.packed, sliceTokens, matrices);
    this.#layers = layers.map((placed) => ({
      placed,
      queryKeyValue: step(placed.wq, placed.wk, placed.wv),
      attentionOut: step(placed.wo),
      gateUp: step(placed.w1, placed.w3),
      down: step(placed.w2),
    }));
    this.#output = step(output);
  }

  /** @throws MemoryError */
  createCache(contextTokens: number, kvType: KvType): ShardCache {
    const { llama, regions, config, sliceTokens } = this.#parts;
    return new ShardCache(llama, regions, config, sizeOf(this.plan.share.kvHeads), contextTokens, kvType, sliceTokens);
  }

  /** Rows of the embedding matrix whose tokens come, to the stream of all shards. */
  embed({ tokens }: Slice): void {
    const { rows, type, columns, address, bytes } = this.plan.layout.tokEmbeddings;
    if (sizeOf(rows) === 0) return;
    const rowBytes = bytes / sizeOf(rows);
    for (let i = 0; i < tokens.length; i++) {
      const row = tokens[i]! - rows.start;
      if (row < 0 || row >= sizeOf(rows)) continue;
      const packed = this.#memory.bytes(address + row * rowBytes, rowBytes); // (rowBytes)
      unpackRows(type, packed, this.#exchange.x.subarray(i * columns, (i + 1) * columns));
    }
  }

  /** Takes its channels of the embedded stream and works out the angles of the positions. */
  begin({ tokens, position }: Slice): void {
    const { work } = this.plan.layout;
    const { channels } = this.plan.share;
    this.#memory.copyColumnsIn(work.residual, this.#exchange.x, this.#config.nEmbd, channels, tokens.length);
    if (sizeOf(this.plan.share.kvHeads) === 0) return;
    const { headDim } = this.#config;
    const { ropeFreqBase: base, ropeFreqScale: scale } = this.#config;
    for (let i = 0; i < tokens.length; i++) {
      const angles = this.#memory.floats(work.angles + 4 * i * headDim, headDim);
      ropeAngles(angles, position + i, { nRot: headDim, base, scale });
    }
  }

  /** Own heads: normalise, project, rotate, store, attend. */
  *attention(layer: number, { tokens, position }: Slice, cache: ShardCache): Pieces {
    const { share, layout } = this.plan;
    const { work } = layout;
    const { placed, queryKeyValue } = this.#layers[layer]!;
    const n = tokens.length;
    const nHeads = sizeOf(share.heads);
    const nKvHeads = sizeOf(share.kvHeads);
    if (nHeads === 0) return;
    const { headDim } = this.#config;
    this.#normalise(this.#exchange.x, placed.attentionNorm, n);
    packInput(queryKeyValue, work.input, n);
    const [q, k, v] = queryKeyValue.products;
    yield* multiply(q, work.q, n);
    yield* multiply(k, work.k, n);
    yield* multiply(v, work.v, n);
    this.#llama.rope("adjacent", work.q, work.angles, n, nHeads, headDim, headDim, nHeads * headDim);
    this.#llama.rope("adjacent", work.k, work.angles, n, nKvHeads, headDim, headDim, nKvHeads * headDim);
    cache.store(layer, position, work.k, work.v, n);
    yield* cache.attend(work.attended, work.q, layer, position, n);
    const columns = { start: share.heads.start * headDim, end: share.heads.end * headDim };
    this.#memory.copyColumnsOut(this.#exchange.attended, this.#config.nEmbd, columns, work.attended, n);
  }

  /** Own channels of the stream: plus wo · attention output. */
  *attentionOut(layer: number, { tokens }: Slice): Pieces {
    if (sizeOf(this.plan.share.channels) === 0) return;
    this.#memory.copyIn(this.plan.layout.work.input, this.#exchange.attended, tokens.length * this.#config.nEmbd);
    yield* this.#addProduct(this.#layers[layer]!.attentionOut, tokens.length);
  }

  /** Own channels of the feed-forward block: silu(w1 · x) · (w3 · x). */
  *gateUp(layer: number, { tokens }: Slice): Pieces {
    const { share, layout } = this.plan;
    const { input, gate, up } = layout.work;
    const { placed, gateUp } = this.#layers[layer]!;
    const n = tokens.length;
    if (sizeOf(share.ffChannels) === 0) return;
    this.#normalise(this.#exchange.x, placed.ffnNorm, n);
    packInput(gateUp, input, n);
    const [w1, w3] = gateUp.products;
    yield* multiply(w1, gate, n);
    yield* multiply(w3, up, n);
    this.#llama.gate("silu", gate, up, n * sizeOf(share.ffChannels));
    this.#memory.copyColumnsOut(this.#exchange.gated, this.#config.nFf, share.ffChannels, gate, n);
  }

  /** Own channels of the stream: plus w2 · (output of `gateUp`). */
  *down(layer: number, { tokens }: Slice): Pieces {
    if (sizeOf(this.plan.share.channels) === 0) return;
    this.#memory.copyIn(this.plan.layout.work.input, this.#exchange.gated, tokens.length * this.#config.nFf);
    yield* this.#addProduct(this.#layers[layer]!.down, tokens.length);
  }

  /** Own rows of the logits of the slice's last `nLogitRows` tokens. */
  *logits({ tokens, nLogitRows }: Slice): Pieces {
    const { nEmbd, nVocab } = this.#config;
    const { work, norm, output } = this.plan.layout;
    const nRows = sizeOf(output.rows);
    if (nRows === 0 && !this.#parts.isFirst) return;
    const firstRow = tokens.length - nLogitRows;
    this.#normalise(this.#exchange.x.subarray(firstRow * nEmbd), norm, nLogitRows);
    if (this.#parts.isFirst) {
      const last = work.input + 4 * (nLogitRows - 1) * nEmbd;
      this.#exchange.embedding.set(this.#memory.floats(last, nEmbd));
    }
    packInput(this.#output, work.input, nLogitRows);

    // the logits of many tokens do not fit the working memory: a few rows of the matrix at a time
    const [{ kernels, packed, matrix }] = this.#output.products;
    const room = (work.up - work.gate) / 4; // values
    const mostRows = Math.min(Math.floor(room / nLogitRows / 8) * 8, pieceRows(nEmbd, nLogitRows));
    for (let row = 0; row < nRows; row += mostRows) {
      if (row > 0) yield "piece";
      const end = Math.min(nRows, row + mostRows);
      const out = work.gate - 4 * row; // the kernel writes from `row` on
      kernels.multiply(matrix.address, packed, out, row, end, nEmbd, nLogitRows, end - row);
      const columns = { start: output.rows.start + row, end: output.rows.start + end };
      this.#memory.copyColumnsOut(this.#exchange.logits, nVocab, columns, work.gate, nLogitRows);
    }
  }

  /** residual += product of the packed input, shown to all. */
  *#addProduct(step: ProductStep<readonly [Product]>, n: number): Pieces {
    const { share, layout } = this.plan;
    const { input, residual, gate } = layout.work;
    packInput(step, input, n);
    yield* multiply(step.products[0], gate, n);
    this.#llama.addInto(residual, gate, n * sizeOf(share.channels));
    this.#memory.copyColumnsOut(this.#exchange.x, this.#config.nEmbd, share.channels, residual, n);
  }

  #normalise(x: Float32Array, weight: PlacedVector, n: number): void {
    const { input } = this.plan.layout.work;
    this.#memory.copyIn(input, x, n * weight.length);
    this.#llama.rmsNorm(input, input, weight.address, n, weight.length, this.#config.rmsNormEps);
  }
}
