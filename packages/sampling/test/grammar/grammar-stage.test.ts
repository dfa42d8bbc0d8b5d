import { describe, expect, test } from "vitest";
import {
  type Candidates,
  createCandidates,
  createGrammarStage,
  createGrammarVocabulary,
  createRng,
  createSampler,
  type GrammarStage,
  isGrammarError,
  parseGrammar,
  samplingChain,
} from "../../src/index.ts";

const EOS = 0;
const encode = (text: string) => new TextEncoder().encode(text);

interface Setup {
  readonly stage: GrammarStage;
  /** The texts of permitted ids; "</s>" for the end of the text. */
  permitted(): string[];
  accept(...texts: (string | Uint8Array)[]): void;
}

/** A stage over a vocabulary of these texts, with the end of the text as id 0. */
function setup(grammar: string, vocabulary: readonly (string | Uint8Array)[]): Setup {
  const names = ["</s>", ...vocabulary.map((text) => (typeof text === "string" ? text : hex(text)))];
  const texts = [new Uint8Array(0), ...vocabulary.map((text) => (typeof text === "string" ? encode(text) : text))];
  const nVocab = texts.length;
  const stage = createGrammarStage({
    grammar: parseGrammar(grammar),
    nVocab,
    endIds: [EOS],
    tokenBytes: (id) => texts[id]!,
  });
  return {
    stage,
    permitted: () => {
      const candidates = allCandidates(nVocab);
      stage.apply(candidates, { logits: candidates.logits, lastTokens: [], rng: createRng(1), nVocab });
      return names.filter((_, id) => candidates.logits[id] === 0);
    },
    accept: (...pieces) => {
      for (const piece of pieces) stage.accept(names.indexOf(typeof piece === "string" ? piece : hex(piece)));
    },
  };
}

const hex = (bytes: Uint8Array) => `<${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}>`;

function allCandidates(nVocab: number): Candidates {
  const candidates = createCandidates(nVocab);
  candidates.ids.set(Array.from({ length: nVocab }, (_, id) => id));
  candidates.n = nVocab;
  return candidates;
}

test("stages of one vocabulary do not know of each other, and are those that read it themselves", () => {
  const texts = ["", "a", "ab", "b", "aé", "\u00e9", "日本", "c\0d"]
    .map(encode)
    .concat(Uint8Array.of(0xe6, 0x97), Uint8Array.of(0xa5));
  let nRead = 0;
  const options = {
    nVocab: texts.length,
    endIds: [EOS],
    tokenBytes: (id: number) => {
      nRead++;
      return texts[id]!;
    },
  };
  const vocabulary = createGrammarVocabulary(options);
  const permitted = (stage: GrammarStage): number[] => {
    const candidates = allCandidates(texts.length);
    stage.apply(candidates, { logits: candidates.logits, lastTokens: [], rng: createRng(1), nVocab: texts.length });
    return [...candidates.ids].filter((id) => candidates.logits[id] === 0);
  };
  const grammars = ['root ::= "a"+ "é"', "root ::= [日本é]+", 'root ::= "c" | "b"', "root ::= [^a] [^b]"].map(
    parseGrammar,
  );
  const shared = grammars.map((grammar) => createGrammarStage({ grammar, vocabulary }));
  expect(nRead).toBe(texts.length - 1);
  for (const [i, grammar] of grammars.entries()) {
    const own = createGrammarStage({ grammar, ...options });
    const first = permitted(own);
    expect(first.length).toBeGreaterThan(0);
    expect(permitted(shared[i]!)).toEqual(first);
    own.accept(first[0]!);
    shared[i]!.accept(first[0]!);
    expect(permitted(shared[i]!)).toEqual(permitted(own));
  }
});

describe("permits", () => {
  test("tokens that begin, cross and end elements, and the end where the grammar may end", () => {
    const { permitted, accept } = setup('root ::= "cat" | "car" [0-9]+', [
      "c",
      "ca",
      "cat",
      "cats",
      "r",
      "r1",
      "1",
      "t",
    ]);
    expect(permitted()).toEqual(["c", "ca", "cat"]);
    accept("ca");
    expect(permitted()).toEqual(["r", "r1", "t"]);
    accept("r1");
    expect(permitted()).toEqual(["</s>", "1"]);
    accept("1", "1");
    expect(permitted()).toEqual(["</s>", "1"]);
  });

  test("only the end when nothing else is left; accepting it changes nothing", () => {
    const { permitted, accept } = setup('root ::= "a"', ["a"]);
    accept("a");
    expect(permitted()).toEqual(["</s>"]);
    accept("</s>");
    expect(permitted()).toEqual(["</s>"]);
  });

  test("no token without text, and a token only up to its first NUL", () => {
    const { permitted } = setup("root ::= [^b]*", ["", "\0", "a\0b", "b\0a"]);
    expect(permitted()).toEqual(["</s>", "a\0b"]);
  });

  test("nothing for an empty range, everything for its complement", () => {
    expect(setup("root ::= [z-a]", ["a", "z"]).permitted()).toEqual([]);
    expect(setup("root ::= [^z-a]", ["a", "é"]).permitted()).toEqual(["a", "é"]);
  });

  test("no end of text without its id", () => {
    const options = { grammar: parseGrammar("root ::= [a]*"), nVocab: 2, endIds: [], tokenBytes: () => encode("b") };
    const candidates = allCandidates(2);
    createGrammarStage(options).apply(candidates, {
      logits: candidates.logits,
      lastTokens: [],
      rng: createRng(1),
      nVocab: 2,
    });
    expect([...candidates.logits]).toEqual([Number.NEGATIVE_INFINITY, Number.NEGATIVE_INFINITY]);
  });
});

describe("characters cut between tokens", () => {
  const C3 = Uint8Array.of(0xc3);
  const A9 = Uint8Array.of(0xa9); // C3 A9 is é
  const A8 = Uint8Array.of(0xa8); // C3 A8 is è

  test("are followed byte by byte", () => {
    const { permitted, accept } = setup('root ::= "é" [x]', [C3, A9, A8, "x", "é"]);
    expect(permitted()).toEqual(["<c3>", "é"]);
    accept(C3);
    expect(permitted()).toEqual(["<a9>"]);
    accept(A9);
    expect(permitted()).toEqual(["x"]);
  });

  test("a token may end one character and begin another", () => {
    const tail = Uint8Array.of(0xa9, 0xc3);
    const { permitted, accept } = setup('root ::= "ééx"', [C3, tail, A9, A8]);
    accept(C3);
    expect(permitted()).toEqual(["<a9 c3>", "<a9>"]);
    accept(tail);
    expect(permitted()).toEqual(["<a9>"]);
  });

  test("a negated set forbids a beginning that an excluded character shares", () => {
    const { permitted } = setup("root ::= [^é]", [C3, "è", "é", Uint8Array.of(0xe6)]);
    expect(permitted()).toEqual(["è", "<e6>"]);
  });

  test("bytes behind the first are unchecked within a token, checked at the border of two", () => {
    const C341 = Uint8Array.of(0xc3, 0x41); // taken for U+00C1
    const { permitted, accept } = setup("root ::= [\\u00c1] | [\\u00c0-\\u00ff]", [C341, C3, "A"]);
    expect(permitted()).toEqual(["<c3 41>", "<c3>"]);
    accept(C3);
    expect(permitted()).toEqual([]);
  });

  test("a beginning that only an overlong spelling could follow is forbidden", () => {
    const bytes = [0xc0, 0xc1, 0xc2, 0xe0, 0xf0].map((byte) => Uint8Array.of(byte));
    expect(setup("root ::= [\\x00-\\U0010FFFF]", bytes).permitted()).toEqual(["<c2>", "<e0>", "<f0>"]);
    expect(setup("root ::= [\\x00-\\u07ff]", bytes).permitted()).toEqual(["<c2>"]);
  });

  test("an open character does not keep the text from ending", () => {
    const { permitted, accept } = setup('root ::= "é"?', [C3, A9]);
    accept(C3);
    expect(permitted()).toEqual(["</s>", "<a9>"]);
  });

  test("bytes that begin no character are forbidden", () => {
    const { permitted } = setup("root ::= [^a]*", [A9, Uint8Array.of(0x62, 0xa9), "b"]);
    expect(permitted()).toEqual(["</s>", "b"]);
  });
});

describe("in a chain", () => {
  test("order, count and sorted flag stay; only logits of forbidden ids change", () => {
    const texts = ["", "a", "b", "c"].map(encode);
    const grammar = parseGrammar("root ::= [ac]");
    const stage = createGrammarStage({ grammar, nVocab: 4, endIds: [EOS], tokenBytes: (id) => texts[id]! });
    const candidates = createCandidates(4);
    candidates.ids.set([3, 2, 1]);
    candidates.logits.set([5, 4, 3]);
    candidates.n = 3;
    candidates.sorted = true;
    stage.apply(candidates, { logits: new Float32Array(4), lastTokens: [], rng: createRng(1), nVocab: 4 });
    expect([...candidates.ids.subarray(0, 3)]).toEqual([3, 2, 1]);
    expect([...candidates.logits.subarray(0, 3)]).toEqual([5, Number.NEGATIVE_INFINITY, 3]);
    expect([candidates.n, candidates.sorted]).toEqual([3, true]);
  });

  test("the sampler tells it what was chosen", () => {
    const { stage } = setup('root ::= "abc"', ["a", "b", "c"]);
    const sampler = createSampler({ stages: samplingChain({ grammar: stage }), seed: 1, nVocab: 4 });
    expect(Array.from({ length: 4 }, () => sampler.sample(new Float32Array(4)))).toEqual([1, 2, 3, EOS]);
  });

  test("reset begins a new text", () => {
    const { stage, permitted, accept } = setup('root ::= "ab"', ["a", "b"]);
    accept("a");
    stage.reset();
    expect(permitted()).toEqual(["a"]);
  });

  test("when nothing is permitted, the choice is an error and the state stays", () => {
    const { stage, accept, permitted } = setup('root ::= "a" [z-a]', ["a", "b"]);
    accept("a");
    const sampler = createSampler({ stages: [stage, { kind: "greedy" }], seed: 1, nVocab: 3 });
    const errors = [1, 2].map(() => {
      try {
        return sampler.sample(new Float32Array(3));
      } catch (error) {
        return isGrammarError(error, "E_DEAD_END");
      }
    });
    expect(errors).toEqual([true, true]);
    expect(permitted()).toEqual([]);
  });

  test("every end is permitted where the grammar may end, and nowhere else, though its text would fit", () => {
    const texts = ["</s>", "a", "<|eot_id|>"].map(encode);
    const grammar = parseGrammar("root ::= [^b] [^b]?");
    const stage = createGrammarStage({ grammar, nVocab: 3, endIds: new Set([0, 2]), tokenBytes: (id) => texts[id]! });
    const permitted = (): number[] => {
      const candidates = allCandidates(3);
      stage.apply(candidates, { logits: candidates.logits, lastTokens: [], rng: createRng(1), nVocab: 3 });
      return [0, 1, 2].filter((id) => candidates.logits[id] === 0);
    };
    expect(permitted()).toEqual([1]);
    stage.accept(1);
    expect(permitted()).toEqual([0, 1, 2]);
    stage.accept(2);
    expect(() => stage.accept(1)).not.toThrow();
    expect(permitted()).toEqual([0, 2]);
  });

  test.each(["b", "</s>", ""])("accepting %j where it is forbidden is an error", (text) => {
    const { stage, permitted } = setup('root ::= "ab"', ["a", "b", ""]);
    const ids: Record<string, number> = { "</s>": 0, b: 2, "": 3 };
    expect(() => stage.accept(ids[text]!)).toThrow("does not permit the token");
    expect(permitted()).toEqual(["a"]);
  });

  test("options and ids are checked", () => {
    const grammar = parseGrammar("root ::= [a]");
    const tokenBytes = () => encode("a");
    expect(() => createGrammarStage({ grammar, nVocab: 0, endIds: [0], tokenBytes })).toThrow('"nVocab" expected');
    expect(() => createGrammarStage({ grammar, nVocab: 3, endIds: [3], tokenBytes })).toThrow('"endIds" expected');
    const stage = createGrammarStage({ grammar, nVocab: 3, endIds: [2], tokenBytes });
    expect(() => stage.accept(3)).toThrow('"id" expected');
    const other = createSampler({ stages: [stage], seed: 1, nVocab: 4 });
    expect(() => other.sample(new Float32Array(4))).toThrow('grammar: "nVocab" expected 4 as in the sampler, got 3');
  });
});

describe("grammars that multiply stacks stay fast", () => {
  const aaa = (n: number) => Array.from({ length: n }, () => "a");

  test("two ways at every character: 2^300 stacks", () => {
    const { permitted, accept } = setup('root ::= "a" root "b" | "a" root "c" | ""', ["a", "b", "c"]);
    accept(...aaa(300));
    expect(permitted()).toEqual(["</s>", "a", "b", "c"].slice(1));
    accept(...aaa(300).map(() => "b"));
    expect(permitted()).toEqual(["</s>"]);
  });

  test("two ways at every rule of a chain: 2^60 stacks before the first character", () => {
    const rules = Array.from({ length: 60 }, (_, i) => `r${i} ::= r${i + 1} "b" | r${i + 1} "c"\n`);
    const { permitted, accept } = setup(`root ::= r0\n${rules.join("")}r60 ::= "a"`, ["a", "b", "c"]);
    accept("a");
    for (let i = 0; i < 60; i++) {
      expect(permitted()).toEqual(["b", "c"]);
      accept("c");
    }
    expect(permitted()).toEqual(["</s>"]);
  });

  test("ten rules that begin alike and hold all of them: what lies below the tops is counted too", () => {
    const rules = Array.from({ length: 10 }, (_, i) => `r${i} ::= "a" root r${(i + 1) % 10} | "a"\n`);
    const { accept } = setup(`root ::= ${rules.map((_, i) => `r${i}`).join(" | ")}\n${rules.join("")}`, [
      "a".repeat(20),
    ]);
    accept("a".repeat(20));
    expect(() => accept("a".repeat(20))).toThrow("the grammar is too ambiguous");
  });

  // found by fuzzing: each character led to more stacks, and took more of a second than the one before
  test("repetitions of repetitions are refused after some characters", () => {
    const grammar = `root ::= x${"+ ".repeat(37)}y?\nx ::= [^c]\ny ::= root x [ax] | x`;
    const { permitted, accept } = setup(grammar, ["a", "b", "ab", "1", "x"]);
    const read = (): void => {
      for (let i = 0; i < 8; i++) {
        permitted();
        accept("x");
      }
    };
    expect(read).toThrow("the grammar is too ambiguous");
  });

  // reduced from a random draw that a machine whose stacks share nothing ran out of memory with
  test("a rule that may follow itself in many ways", () => {
    const { permitted, accept } = setup('root ::= [^a] root* (root | "a"* | [a] | "")', ["a", "b"]);
    accept(..."b".repeat(60));
    expect(permitted()).toEqual(["</s>", "a", "b"]);
    accept(..."a".repeat(60));
    expect(permitted()).toEqual(["</s>", "a", "b"]);
  });

  test("words of words", () => {
    const { permitted, accept } = setup('root ::= word+\nword ::= "a"+ | word2\nword2 ::= ("a" | "aa")+ "a"?', ["a"]);
    accept(...aaa(500));
    expect(permitted()).toEqual(["</s>", "a"]);
  });

  test("depth costs no recursion", () => {
    const open = "(".repeat(1000);
    const close = ")".repeat(1000);
    const { permitted, accept } = setup('root ::= "(" root ")" x | ""\nx ::= [x]?', [open, close, "("]);
    accept(...Array.from({ length: 20 }, () => open));
    accept(...Array.from({ length: 20 }, () => close));
    expect(permitted()).toEqual(["</s>"]);
  });

  test("a repetition makes no stack grow: the state comes back", () => {
    const { accept, permitted } = setup("root ::= ([a-z]+ [,])* [.]", ["abc", ",", "."]);
    for (let i = 0; i < 2000; i++) accept("abc", ",");
    expect(permitted()).toEqual(["abc", "."]);
  });

  // each depth has states of its own, with a thousand words that could come next
  const wide = `root ::= "(" root ")" | ${Array.from({ length: 1000 }, (_, i) => `"w${i}"`).join(" | ")}`;

  test("states are forgotten when there are too many, and nothing changes", () => {
    const { permitted, accept } = setup(wide, ["(", ")", "w999"]);
    const depth = 1200; // more than a million tops
    for (let i = 0; i < depth; i++) {
      expect(permitted()).toEqual(["(", "w999"]);
      accept("(");
    }
    accept("w999");
    for (let i = 0; i < depth; i++) {
      expect(permitted()).toEqual([")"]);
      accept(")");
    }
    expect(permitted()).toEqual(["</s>"]);
  });
});
