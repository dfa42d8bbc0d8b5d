// Locally typical sampling (Meister et al. 2022): keeps the candidates whose information is closest to its expectation, the
// entropy. As in llama.cpp, the kept candidates stay in order of typicality and still count as sorted, so a later softmax
// is relative to the most typical one and a later top-p adds up in that order. A probability that underflows to 0 makes the
// entropy NaN; all candidates are then equally typical.

import { softmax } from "../candidates.ts";
import { checkMinKeep, checkNumber } from "../guards.ts";
import { logf } from "../libm.ts";
import { sortDescending } from "../sort.ts";
import { type ApplyStage, OFF } from "../stage.ts";

export interface TypicalStage {
  readonly kind: "typical";
  /** Probability mass to keep; 1 or more is off. */
  readonly p: number;
  /** Keep at least so many; 1 if not given. */
  readonly minKeep?: number | undefined;
}

export function typical(stage: TypicalStage, nVocab: number): ApplyStage {
  const mass = checkNumber("typical: p", stage.p, "0 < n < 1 (or n >= 1: off)");
  const minKeep = checkMinKeep(stage);
  if (mass >= 1) return OFF;
  const order = new Int32Array(nVocab); // (nVocab): indices of candidates by typicality
  const closeness = new Float32Array(nVocab); // (nVocab): minus the distance from the entropy; its descending sort gives `order`
  const keptIds = new Int32Array(nVocab); // (nVocab)
  const keptLogits = new Float32Array(nVocab); // (nVocab)
  const keptP = new Float32Array(nVocab); // (nVocab)

  return (candidates) => {
    softmax(candidates);
    const { ids, logits, p, n } = candidates;

    let entropy = 0;
    for (let i = 0; i < n; i++) entropy = Math.fround(entropy + Math.fround(-p[i]! * logf(p[i]!)));

    for (let i = 0; i < n; i++) {
      order[i] = i;
      closeness[i] = -Math.abs(Math.fround(-logf(p[i]!) - entropy));
    }
    sortDescending(closeness, order, n);

    let kept = n;
    let cumulative = 0;
    for (let i = 0; i < n; i++) {
      cumulative = Math.fround(cumulative + p[order[i]!]!);
      if (cumulative > mass && i >= minKeep - 1) {
        kept = i + 1;
        break;
      }
    }

    for (let i = 0; i < kept; i++) {
      keptIds[i] = ids[order[i]!]!;
      keptLogits[i] = logits[order[i]!]!;
      keptP[i] = p[order[i]!]!;
    }
    for (let i = 0; i < kept; i++) {
      ids[i] = keptIds[i]!;
      logits[i] = keptLogits[i]!;
      p[i] = keptP[i]!;
    }
    candidates.n = kept;
  };
}
