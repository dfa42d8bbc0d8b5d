// Min-p, XTC and DRY again, as plainly as their authors describe them. Slow twins of src/stages/{min-p,xtc,dry}.ts.

import { type DryStage, logf, type MinPStage, type XtcStage } from "../../src/index.ts";
import { orForbidden, type PlainContext, type PlainState, plainSoftmax, plainSort } from "./plain-stages.ts";

const f32 = Math.fround;

export function plainMinP(stage: MinPStage, state: PlainState): void {
  if (f32(stage.p) <= 0) return;
  const minKeep = stage.minKeep ?? 1;
  const largest = Math.max(...state.candidates.map((c) => c.logit));
  const kept = state.candidates.filter((c) => c.logit >= f32(largest + logf(f32(stage.p))));
  if (kept.length >= minKeep) {
    state.candidates = kept;
  } else {
    plainSort(state);
    state.candidates = state.candidates.slice(0, minKeep);
  }
}

export function plainXtc(stage: XtcStage, state: PlainState, context: PlainContext): void {
  if (f32(stage.probability) <= 0 || f32(stage.threshold) > 0.5 || state.candidates.length < 2) return;
  const chance = f32(context.rng.next() / 2 ** 32);
  if ((chance < 1 ? chance : 1 - 2 ** -24) > f32(stage.probability)) return;
  plainSoftmax(state);
  const top = state.candidates.filter((c) => c.p >= f32(stage.threshold));
  const least = Math.min(...top.map((c) => c.p));
  const spared = top.findLast((c) => c.p === least);
  const kept = state.candidates.filter((c) => c === spared || !top.includes(c));
  if (kept.length >= (stage.minKeep ?? 1)) state.candidates = kept;
}

export function plainDry(stage: DryStage, state: PlainState, context: PlainContext): void {
  const base = f32(stage.base);
  if (f32(stage.multiplier) === 0 || base < 1 || stage.lastN === 0) return;
  const window = stage.lastN < 0 ? context.lastTokens : context.lastTokens.slice(-stage.lastN);
  const breakers = Array.from(stage.breakers ?? [], (breaker) => Array.from(breaker));
  const limit = lengthBehindBreaker(window, breakers);
  if (window.length <= stage.allowedLength || limit < stage.allowedLength) return;

  const penalties = new Map<number, number>();
  for (let i = 1; i < window.length; i++) {
    // window[i] follows a repetition if what stands before it is also at the end of the window
    let length = 0;
    while (length < limit && length < i && window[i - 1 - length] === window[window.length - 1 - length]) length++;
    if (length < stage.allowedLength) continue;
    penalties.set(window[i]!, Math.max(penalties.get(window[i]!) ?? 0, length - stage.allowedLength));
  }
  const isBreaker = (id: number) => breakers.some((breaker) => breaker.length === 1 && breaker[0] === id);
  const maxExponent = base > f32(1.000001) ? Math.trunc(f32(f32(88.7228391) / logf(base))) : Number.POSITIVE_INFINITY;
  for (const c of state.candidates) {
    const exponent = penalties.get(c.id);
    if (exponent === undefined || isBreaker(c.id)) continue;
    c.logit = orForbidden(f32(c.logit - f32(f32(stage.multiplier) * base ** Math.min(exponent, maxExponent))));
  }
  state.sorted = false;
}

/** Tokens behind the breaker that begins last, the longest of those that begin there. */
function lengthBehindBreaker(window: readonly number[], breakers: readonly (readonly number[])[]): number {
  for (let start = window.length - 1; start >= 0; start--) {
    const ends = breakers
      .filter((breaker) => breaker.every((id, i) => window[start + i] === id))
      .map((breaker) => start + breaker.length);
    if (ends.length > 0) return window.length - Math.max(...ends);
  }
  return window.length;
}
