// Every stage again, as plainly as the description of build 803 puts it: arrays of objects, new ones at every step, fround
// around every operation. Slow twins of src/stages/.

import { finite } from "../../src/guards.ts";
import { expf, log2f, logf, powf, type Rng, type SamplerStage } from "../../src/index.ts";
import { plainDry, plainMinP, plainXtc } from "./plain-later-stages.ts";
import { stdPartialSort, stdSort } from "./std-algorithms.ts";

export interface Candidate {
  id: number;
  logit: number;
  p: number;
}

export interface PlainState {
  candidates: Candidate[];
  sorted: boolean;
  mu: number | undefined;
}

export interface PlainContext {
  lastTokens: readonly number[];
  rng: Rng;
  nVocab: number;
}

const f32 = Math.fround;
const byLogit = (a: Candidate, b: Candidate) => a.logit > b.logit;

export function plainState(logits: ArrayLike<number>): PlainState {
  const candidates = Array.from(logits, (logit, id) => ({ id, logit: orForbidden(logit), p: 0 }));
  return { candidates, sorted: false, mu: undefined };
}

/** NaN counts as −∞. */
export function orForbidden(logit: number): number {
  return Number.isNaN(logit) ? Number.NEGATIVE_INFINITY : logit;
}

export function plainSort(state: PlainState): void {
  if (!state.sorted) stdSort(state.candidates, byLogit);
  state.sorted = true;
}

export function plainSoftmax(state: PlainState): void {
  plainSort(state);
  const list = state.candidates;
  const sumOf = (base: number): number => {
    for (const c of list) c.p = c.logit === base ? 1 : expf(f32(c.logit - base));
    return list.reduce((total, c) => f32(total + c.p), 0);
  };
  let sum = sumOf(list[0]!.logit);
  if (!Number.isFinite(sum)) sum = sumOf(Math.max(...list.map((c) => c.logit)));
  for (const c of list) c.p = f32(c.p / sum);
}

export function plainStage(stage: SamplerStage, state: PlainState, context: PlainContext): void {
  switch (stage.kind) {
    case "logit-bias":
      for (const [id, bias] of stage.biases) {
        const candidate = state.candidates.find((c) => c.id === id);
        if (candidate === undefined) continue;
        candidate.logit = orForbidden(f32(candidate.logit + f32(bias)));
        state.sorted = false;
      }
      return;
    case "repetition-penalty": {
      const window = lastOf(context.lastTokens, stage.lastN);
      const penalty = finite(f32(stage.penalty));
      if (window.length === 0 || penalty === 1) return;
      for (const c of state.candidates) {
        if (!window.includes(c.id) || stage.exempt?.includes(c.id) || c.logit === Number.NEGATIVE_INFINITY) continue;
        c.logit = orForbidden(f32(c.logit <= 0 ? c.logit * penalty : c.logit / penalty));
      }
      state.sorted = false;
      return;
    }
    case "frequency-presence-penalty": {
      const window = lastOf(context.lastTokens, stage.lastN);
      if (window.length === 0 || (stage.frequency === 0 && stage.presence === 0)) return;
      for (const c of state.candidates) {
        const count = window.filter((id) => id === c.id).length;
        if (count === 0 || stage.exempt?.includes(c.id) || c.logit === Number.NEGATIVE_INFINITY) continue;
        const penalty = f32(f32(count * f32(stage.frequency)) + f32(1 * f32(stage.presence)));
        c.logit = orForbidden(f32(c.logit - penalty));
      }
      state.sorted = false;
      return;
    }
    case "dry":
      plainDry(stage, state, context);
      return;
    case "min-p":
      plainMinP(stage, state);
      return;
    case "xtc":
      plainXtc(stage, state, context);
      return;
    case "top-k":
      plainTopK(state, Math.max(stage.k <= 0 ? context.nVocab : stage.k, stage.minKeep ?? 1));
      return;
    case "tail-free": {
      const z = f32(stage.z);
      const size = state.candidates.length;
      if (z >= 1 || size <= 2) return;
      plainSoftmax(state);
      const p = state.candidates.map((c) => c.p);
      const d = p.slice(1).map((next, i) => f32(p[i]! - next));
      const e = d.slice(1).map((next, i) => Math.abs(f32(d[i]! - next)));
      const sum = e.reduce((total, value) => f32(total + value), 0);
      let cumulative = 0;
      for (let i = 0; i < e.length; i++) {
        cumulative = f32(cumulative + f32(e[i]! / sum));
        if (cumulative > z && i >= (stage.minKeep ?? 1)) {
          state.candidates = state.candidates.slice(0, i);
          return;
        }
      }
      return;
    }
    case "typical": {
      const mass = f32(stage.p);
      if (mass >= 1) return;
      plainSoftmax(state);
      let entropy = 0;
      for (const { p } of state.candidates) entropy = f32(entropy + f32(-p * logf(p)));
      const list = state.candidates.map((c) => ({ c, t: Math.abs(f32(f32(-logf(c.p)) - entropy)) }));
      stdSort(list, (a, b) => a.t < b.t);
      let cumulative = 0;
      let kept = list.length;
      for (let i = 0; i < list.length; i++) {
        cumulative = f32(cumulative + list[i]!.c.p);
        if (cumulative > mass && i >= (stage.minKeep ?? 1) - 1) {
          kept = i + 1;
          break;
        }
      }
      state.candidates = list.slice(0, kept).map(({ c }) => c);
      return;
    }
    case "top-p": {
      const mass = f32(stage.p);
      if (mass >= 1) return;
      plainSoftmax(state);
      let cumulative = 0;
      for (let i = 0; i < state.candidates.length; i++) {
        cumulative = f32(cumulative + state.candidates[i]!.p);
        if (cumulative >= mass && i + 1 >= (stage.minKeep ?? 1)) {
          state.candidates = state.candidates.slice(0, i + 1);
          return;
        }
      }
      return;
    }
    case "temperature":
      plainTemperature(f32(stage.temperature), state);
      return;
    case "mirostat1": {
      plainSoftmax(state);
      const list = state.candidates;
      let a = 0;
      let b = 0;
      for (let i = 0; i <= Math.min(98, list.length - 2); i++) {
        const t = logf(f32((i + 2) / (i + 1)));
        a = f32(a + f32(t * logf(f32(list[i]!.p / list[i + 1]!.p))));
        b = f32(b + f32(t * t));
      }
      const s = f32(a / b);
      const epsilon = f32(s - 1);
      const mu = state.mu ?? f32(2 * f32(stage.tau));
      const top = f32(epsilon * powf(2, mu));
      const k = powf(f32(top / f32(1 - powf(f32(context.nVocab), f32(-epsilon)))), f32(1 / s));
      plainTopK(state, k > -(2 ** 31) && k < 2 ** 31 ? Math.trunc(k) : -(2 ** 31));
      plainMirostatDraw(state, mu, f32(stage.tau), f32(stage.eta), context.rng);
      return;
    }
    case "mirostat2": {
      plainSoftmax(state);
      const mu = state.mu ?? f32(2 * f32(stage.tau));
      const beyond = state.candidates.findIndex((c) => -log2f(c.p) > mu);
      if (beyond >= 0) state.candidates = state.candidates.slice(0, Math.max(beyond, 1));
      plainMirostatDraw(state, mu, f32(stage.tau), f32(stage.eta), context.rng);
      return;
    }
    case "greedy":
      plainGreedy(state);
      return;
    case "custom":
      throw new Error("a custom stage has no twin");
  }
}

/** Softmax, and a draw with explicit cumulative shares. */
export function plainDraw(state: PlainState, rng: Rng): Candidate {
  plainSoftmax(state);
  const list = state.candidates;
  if (list.length < 2) return list[0]!;
  const sum = list.reduce((total, c) => total + c.p, 0);
  const shares: number[] = [];
  for (const c of list) shares.push((shares.at(-1) ?? 0) + c.p / sum);
  shares[list.length - 1] = 1;
  const low = BigInt(rng.next());
  const sample = Number(low + (BigInt(rng.next()) << 32n)) / 2 ** 64;
  const u = sample >= 1 ? 1 - 2 ** -53 : sample;
  return list[shares.findIndex((share) => !(share < u))]!; // so that a NaN is found, as std::lower_bound finds it
}

function plainMirostatDraw(state: PlainState, mu: number, tau: number, eta: number, rng: Rng): void {
  const drawn = plainDraw(state, rng);
  state.mu = f32(mu - f32(eta * f32(-log2f(drawn.p) - tau)));
  state.candidates = [drawn];
}

function plainTemperature(given: number, state: PlainState): void {
  const temperature = finite(given);
  const largest = Math.max(...state.candidates.map((c) => c.logit));
  const isLost = Number.isFinite(largest) && !Number.isFinite(f32(largest / temperature));
  if (temperature <= 0 || isLost) plainGreedy(state);
  else if (!Number.isFinite(largest) && temperature < 1) return;
  else for (const c of state.candidates) c.logit = f32(c.logit / temperature);
}

function plainGreedy(state: PlainState): void {
  const largest = Math.max(...state.candidates.map((c) => c.logit));
  state.candidates = [state.candidates.find((c) => c.logit === largest)!];
  state.sorted = true;
}

function plainTopK(state: PlainState, k: number): void {
  const list = state.candidates;
  const kept = Math.min(Math.max(k, 1), list.length);
  if (!state.sorted) {
    if (kept === list.length) stdSort(list, byLogit);
    else stdPartialSort(list, 0, kept, list.length, byLogit);
  }
  state.sorted = true;
  state.candidates = list.slice(0, kept);
}

function lastOf(tokens: readonly number[], lastN: number): readonly number[] {
  if (lastN === 0) return [];
  return lastN < 0 ? tokens : tokens.slice(-lastN);
}
