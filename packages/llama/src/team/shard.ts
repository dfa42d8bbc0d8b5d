// One shard: a WebAssembly memory with its share of the weights, and the steps of a forward pass over that share. The order of
// the arithmetic is that of forward.ts; what differs is who computes which rows.

import { type Kernels, type MatrixKernels, unpackRows } from "@ll/quant";
import { derivedSizes, type ModelConfig } from "../config.ts";
import type { LlamaKernels } from "../kernels/index.ts";
import type { KvType } from "../kv-cache.ts";
import { ropeAngles, ropeThetaStep } from "../rope.ts";
import { aligned, type PlacedLayer, type PlacedMatrix, type PlacedVector } from "./arena.ts";
import type { Exchange } from "./exchange.ts";
import type { MemoryRegions } from "./memory-regions.ts";
import { MATRIX_PIECE_PRODUCTS, type Pieces } from "./pieces.ts";
import type { ShardPlan } from "./planner.ts";
import { type Range, sizeOf } from "./ranges.ts";
import { ShardCache } from "./shard-cache.ts";

/** A slice of tokens on its way through the layers. */
export interface Slice {
  readonly tokens: Int32Array; // (n), at most sliceTokens
  /** Position of the first. */
  readonly position: number;
  /** Rows of logits wanted: 0, 1 (of the last token) or n. */
  readonly nLogitRows: number;
}

/** A matrix with the kernels and the packed input that it meets. */
interface Product {
  readonly matrix: PlacedMatrix;
  readonly kernels: MatrixKernels;
  readonly packed: number;
}

/** Matrices that share one input, which is packed once for each of their types. */
interface Step {
  readonly packs: readonly { readonly kernels: MatrixKernels; readonly packed: number }[];
  readonly products: readonly Product[];
}

interface LayerSteps {
  readonly placed: PlacedLayer;
  readonly queryKeyValue: Step;
  readonly attentionOut: Step;
  readonly gateUp: Step;
  readonly down: Step;
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
  readonly #output: Step;
  #floats: Float32Array; // the whole memory

  constructor(parts: ShardParts) {
    const { plan, kernels, sliceTokens } = parts;
    this.plan = plan;
    this.kernels = kernels;
    this.#parts = parts;
    this.#config = parts.config;
    this.#llama = parts.llama;
    this.#exchange = parts.exchange;
    this.#floats = new Float32Array(kernels.memory.buffer);
    this.#layers = plan.layout.layers.map((placed) => ({
      placed,
      queryKeyValue: this.#step(sliceTokens, placed.wq, placed.wk, placed.wv),
      attentionOut: this.#step(sliceTokens, placed.wo),
      gateUp: this.#step(sliceTokens, placed.w1, placed.w3),
      down: this.#step(sliceTokens, placed.w2),
    }));
    this.#output = this.#step(sliceTokens, plan.layout.output);
  }

  /** @throws MemoryError */
  createCache(contextTokens: number, kvType: KvType): ShardCache {
    const { llama, regions, config, sliceTokens } = this.#parts;
    return new ShardCache(llama, regions, config, sizeOf(this.plan.share.kvHeads), contextTokens, kvType, sliceTokens);
  }

  /** Rows of the embedding matrix whose tokens come, to the stream of all shards. */
  *embed({ tokens }: Slice): Pieces {
    const { rows, type, columns, address, bytes } = this.plan.layout.tokEmbeddings;
    if (sizeOf(rows) === 0) return;
    const rowBytes = bytes / sizeOf(rows);
    for (let i = 0; i < tokens.length; i++) {
      const row = tokens[i]! - rows.start;
      if (row < 0 || row >= sizeOf(rows)) continue;
      const packed = new Uint8Array(this.kernels.memory.buffer, address + row * rowBytes, rowBytes); // (rowBytes)
      unpackRows(type, packed, this.#exchange.x.subarray(i * columns, (i + 1) * columns));
      yield "piece";
    }
  }

  /** Takes its channels of the embedded stream and works out the angles of the positions. */
  begin({ tokens, position }: Slice): void {
    const { work } = this.plan.layout;
    const { channels } = this.plan.share;
    this.#copyColumnsIn(work.residual, this.#exchange.x, this.#config.nEmbd, channels, tokens.length);
    if (sizeOf(this.plan.share.kvHeads) === 0) return;
    const { headDim } = derivedSizes(this.#config);
    const thetaStep = ropeThetaStep(this.#config);
    for (let i = 0; i < tokens.length; i++) {
      const [cos, sin] = [work.cos, work.sin].map((table) => {
        const start = table / 4 + (i * headDim) / 2;
        return this.#view().subarray(start, start + headDim / 2);
      }) as [Float32Array, Float32Array];
      ropeAngles(cos, sin, position + i, this.#config.ropeFreqScale, thetaStep);
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
    const { headDim } = derivedSizes(this.#config);
    yield* this.#normalise(this.#exchange.x, placed.attentionNorm, n);
    yield* this.#pack(queryKeyValue, this.#config.nEmbd, n);
    const [q, k, v] = queryKeyValue.products as [Product, Product, Product];
    yield* this.#multiply(q, work.q, n);
    yield* this.#multiply(k, work.k, n);
    yield* this.#multiply(v, work.v, n);
    this.#llama.rope(work.q, work.cos, work.sin, n, nHeads, headDim, nHeads * headDim);
    this.#llama.rope(work.k, work.cos, work.sin, n, nKvHeads, headDim, nKvHeads * headDim);
    cache.store(layer, position, work.k, work.v, n);
    yield* cache.attend(work.attended, work.q, layer, position, n);
    const columns = { start: share.heads.start * headDim, end: share.heads.end * headDim };
    this.#copyColumnsOut(this.#exchange.attended, this.#config.nEmbd, columns, work.attended, n);
  }

  /** Own channels of the stream: plus wo · attention output. */
  *attentionOut(layer: number, { tokens }: Slice): Pieces {
    if (sizeOf(this.plan.share.channels) === 0) return;
    this.#copyIn(this.#exchange.attended, tokens.length * this.#config.nEmbd);
    yield* this.#addProduct(this.#layers[layer]!.attentionOut, tokens.length);
  }

  /** Own channels of the feed-forward block: silu(w1 · x) · (w3 · x). */
  *gateUp(layer: number, { tokens }: Slice): Pieces {
    const { share, layout } = this.plan;
    const { gate, up } = layout.work;
    const { placed, gateUp } = this.#layers[layer]!;
    const n = tokens.length;
    if (sizeOf(share.ffChannels) === 0) return;
    yield* this.#normalise(this.#exchange.x, placed.ffnNorm, n);
    yield* this.#pack(gateUp, this.#config.nEmbd, n);
    const [w1, w3] = gateUp.products as [Product, Product];
    yield* this.#multiply(w1, gate, n);
    yield* this.#multiply(w3, up, n);
    this.#llama.swiglu(gate, up, n * sizeOf(share.ffChannels));
    this.#copyColumnsOut(this.#exchange.gated, this.#config.nFf, share.ffChannels, gate, n);
  }

  /** Own channels of the stream: plus w2 · (output of `gateUp`). */
  *down(layer: number, { tokens }: Slice): Pieces {
    if (sizeOf(this.plan.share.channels) === 0) return;
    this.#copyIn(this.#exchange.gated, tokens.length * this.#config.nFf);
    yield* this.#addProduct(this.#layers[layer]!.down, tokens.length);
  }

  /** Own rows of the logits of the slice's last `nLogitRows` tokens. */
  *logits({ tokens, nLogitRows }: Slice): Pieces {
    const { nEmbd, nVocab } = this.#config;
    const { work, norm, output } = this.plan.layout;
    const nRows = sizeOf(output.rows);
    if (nRows === 0 && !this.#parts.isFirst) return;
    const firstRow = tokens.length - nLogitRows;
    yield* this.#normalise(this.#exchange.x.subarray(firstRow * nEmbd), norm, nLogitRows);
    if (this.#parts.isFirst) {
      const last = work.input / 4 + (nLogitRows - 1) * nEmbd;
      this.#exchange.embedding.set(this.#view().subarray(last, last + nEmbd));
    }
    yield* this.#pack(this.#output, nEmbd, nLogitRows);

    // the logits of many tokens do not fit the working memory: a few rows of the matrix at a time
    const { kernels, packed, matrix } = this.#output.products[0]!;
    const room = (work.up - work.gate) / 4; // values
    const mostRows = Math.min(Math.floor(room / nLogitRows / 8) * 8, this.#pieceRows(nEmbd, nLogitRows));
    for (let row = 0; row < nRows; row += mostRows) {
      const end = Math.min(nRows, row + mostRows);
      const out = work.gate - 4 * row; // the kernel writes from `row` on
      kernels.multiply(matrix.address, packed, out, row, end, nEmbd, nLogitRows, end - row);
      const columns = { start: output.rows.start + row, end: output.rows.start + end };
      this.#copyColumnsOut(this.#exchange.logits, nVocab, columns, work.gate, nLogitRows);
      yield "piece";
    }
  }

  /** residual += product of the packed input, shown to all. */
  *#addProduct(step: Step, n: number): Pieces {
    const { share, layout } = this.plan;
    const { residual, gate } = layout.work;
    const [product] = step.products as [Product];
    yield* this.#pack(step, product.matrix.columns, n);
    yield* this.#multiply(product, gate, n);
    this.#llama.addInto(residual, gate, n * sizeOf(share.channels));
    this.#copyColumnsOut(this.#exchange.x, this.#config.nEmbd, share.channels, residual, n);
  }

  *#normalise(x: Float32Array, weight: PlacedVector, n: number): Pieces {
    const { input } = this.plan.layout.work;
    this.#copyIn(x, n * weight.length);
    this.#llama.rmsNorm(input, input, weight.address, n, weight.length, this.#config.rmsNormEps);
    yield "piece";
  }

  *#pack(step: Step, columns: number, n: number): Pieces {
    for (const { kernels, packed } of step.packs) {
      kernels.packActivations(this.plan.layout.work.input, packed, n, columns);
      yield "piece";
    }
  }

  /** (n, own rows) products at `out`. */
  *#multiply({ matrix, kernels, packed }: Product, out: number, n: number): Pieces {
    const nRows = sizeOf(matrix.rows);
    const pieceRows = this.#pieceRows(matrix.columns, n);
    for (let row = 0; row < nRows; row += pieceRows) {
      const end = Math.min(nRows, row + pieceRows);
      kernels.multiply(matrix.address, packed, out, row, end, matrix.columns, n, nRows);
      yield "piece";
    }
  }

  #pieceRows(columns: number, n: number): number {
    return Math.max(8, Math.floor(MATRIX_PIECE_PRODUCTS / (columns * n) / 8) * 8);
  }

  #step(sliceTokens: number, ...matrices: PlacedMatrix[]): Step {
    const { work } = this.plan.layout;
    const packs = new Map<string, { kernels: MatrixKernels; packed: number }>();
    let packed = work.packed;
    const products = matrices.map((matrix) => {
      let pack = packs.get(matrix.type);
      if (pack === undefined) {
        pack = { kernels: this.kernels.matrix(matrix.type), packed };
        packs.set(matrix.type, pack);
        packed += aligned(pack.kernels.activationBytes(sliceTokens, matrix.columns));
      }
      return { matrix, ...pack };
    });
    return { packs: [...packs.values()], products };
  }

  /** The memory as numbers; it is another buffer after it has grown. */
  #view(): Float32Array {
    const { buffer } = this.kernels.memory;
    if (this.#floats.buffer !== buffer) this.#floats = new Float32Array(buffer);
    return this.#floats;
  }

  #copyIn(from: Float32Array, length: number): void {
    this.#view().set(from.subarray(0, length), this.plan.layout.work.input / 4);
  }

  /** Own `columns` of a (n, width) array to (n, own columns) at `to`. */
  #copyColumnsIn(to: number, from: Float32Array, width: number, { start, end }: Range, n: number): void {
    const floats = this.#view();
    for (let i = 0; i < n; i++) {
      floats.set(from.subarray(i * width + start, i * width + end), to / 4 + i * (end - start));
    }
  }

  #copyColumnsOut(to: Float32Array, width: number, { start, end }: Range, from: number, n: number): void {
    const floats = this.#view();
    const columns = end - start;
    for (let i = 0; i < n; i++) {
      to.set(floats.subarray(from / 4 + i * columns, from / 4 + (i + 1) * columns), i * width + start);
    }
  }
}
