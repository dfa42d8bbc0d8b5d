// The pre-tokenizers that files name (`tokenizer.ggml.pre`), as the regular expressions of their publishers, and where llama.cpp's own
// differ from those. Source: llama.cpp's src/llama-vocab.cpp and the tokenizer.json files of the publishers.

import type { CutRule } from "./splitter.ts";

export interface PreTokenizer {
  readonly rules: readonly CutRule[];
  /** What llama.cpp does instead, where that may give other ids. */
  readonly llamaCppRules?: readonly CutRule[];
  /** A piece that is a token is that token, though merging may give another. */
  readonly ignoreMerges?: boolean;
  /** Whether texts begin with BOS if the file does not say. */
  readonly addBos?: boolean;
  /** Files without ids of BOS and EOS have none, in place of GPT-2's. */
  readonly noDefaultIds?: boolean;
  /** Whether spaces in front of punctuation go when a whole text is shown. */
  readonly cleanSpaces: boolean;
  /** Normalization form C before everything else; llama.cpp does not do it. */
  readonly compose?: boolean;
  /** Spaces become U+2581, and texts are not spelled in the alphabet of bytes. */
  readonly raw?: boolean;
}

/** `'s`, `'LL` and so on. U+017F counts as an s where case is ignored, but not in llama.cpp. */
const suffixes = (s: string): string => `'(?:[${s}]|[tT]|[rR][eE]|[vV][eE]|[mM]|[lL][lL]|[dD])`;
const C = suffixes("sSſ");
const C_LLAMA_CPP = suffixes("sS");
const LOWER_SUFFIXES = "'s|'t|'re|'ve|'m|'ll|'d";
const SPACES = String.raw`\s*[\r\n]+|\s+(?!\S)|\s+`;
const OTHERS = String.raw` ?[^\s\p{L}\p{N}]+[\r\n]*`;
const GPT2 = String.raw`${LOWER_SUFFIXES}| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`;
const PREFIX = String.raw`[^\r\n\p{L}\p{N}]?`;
const UPPER = String.raw`[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`;
const LOWER = String.raw`[\p{Ll}\p{Lm}\p{Lo}\p{M}]`;
/** llama.cpp's UPPER and LOWER. */
const NOT_LOWER = String.raw`(?:(?![a-z])\p{L})`;
const NOT_UPPER = String.raw`(?:(?![A-Z])\p{L})`;
const CASED_SPACES = String.raw` ?[^\s\p{L}\p{N}]+[\r\n/]*|${SPACES}`;

/** Rules in which only the suffixes differ. */
const withSuffixes = (
  rules: (suffix: string) => readonly CutRule[],
): Pick<PreTokenizer, "rules" | "llamaCppRules"> => ({
  rules: rules(C),
  llamaCppRules: rules(C_LLAMA_CPP),
});

const LLAMA3 = withSuffixes((c) => [String.raw`${c}|${PREFIX}\p{L}+|\p{N}{1,3}|${OTHERS}|${SPACES}`]);
const QWEN2 = withSuffixes((c) => [String.raw`${c}|${PREFIX}\p{L}+|\p{N}|${OTHERS}|${SPACES}`]);
const DIGITS_THEN_GPT2: readonly CutRule[] = [String.raw`\p{N}`, GPT2];

const HAN = String.raw`\p{Script=Han}`;
const LLAMA_CPP_HAN = String.raw`[\u4E00-\u9FFF\u3400-\u4DBF\u{20000}-\u{2A6DF}\u{2A700}-\u{2EBEF}\uF900-\uFAFF\u{2F800}-\u{2FA1F}]`;

/** The letters of deepseek-llm, in hexadecimal. */
const DEEPSEEK_LETTERS =
  "41-5A 61-7A B5 C0-D6 D8-F6 F8-1BA 1BC-1BF 1C4-293 295-2AF 370-373 376 377 37B-37D 37F 386 388-38A 38C 38E-3A1 3A3-3F5 3F7-481 48A-52F 531-556 10A0-10C5 13A0-13F5 13F8-13FD 1C90-1CBA 1CBD-1CBF 1D00-1D2B 1D6B-1D77 1D79-1D9A 1E00-1F15 1F18-1F1D 1F20-1F45 1F48-1F4D 1F50-1F57 1F59 1F5B 1F5D 1F5F-1F7D 1F80-1FB4 1FB6-1FBC 1FBE 1FC2-1FC4 1FC6-1FCC 1FD0-1FD3 1FD6-1FDB 1FE0-1FEC 1FF2-1FF4 1FF6-1FFC 2102 2107 210A-2113 2115 2119-211D 2124 2126 2128 212A-212D 212F-2134 2139 213C-213F 2145-2149 214E 2183 2184 2C00-2C7B 2C7E-2CE4 2CEB-2CEE 2CF2 2CF3 A640-A66D A680-A69B A722-A76F A771-A787 A78B-A78E AB70-ABBF FB00-FB06 FB13-FB17 FF21-FF3A FF41-FF5A 10400-1044F 104B0-104D3 104D8-104FB 10C80-10CB2 10CC0-10CF2 118A0-118DF 1E900-1E943";
const DEEPSEEK_LETTER = `[${DEEPSEEK_LETTERS.split(" ")
  .map((range) => range.replace(/[0-9A-F]+/g, (code) => `\\u{${code}}`))
  .join("")}]`;
const CJK = String.raw`[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+`;
/** llama.cpp sees white space other than ASCII's as U+000B where a pattern has no property. */
const LLAMA_CPP_CJK = String.raw`(?:(?!\s)[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF])+`;

const deepseekV3 = (symbols: string, before: string): readonly CutRule[] => [
  String.raw`\p{N}{1,3}`,
  String.raw`[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+`,
  String.raw`[!"#$%&'\(\)*+,\-.\/:;<=>?@\[\\\]^_\u0060\{\|\}~][A-Za-z]+|${before}[\p{L}\p{M}]+| ?${symbols}[\r\n]*|${SPACES}`,
];

const HALVINGS = [512, 256, 128, 64, 32, 16, 8, 4].map((n) => String.raw`\s{${n}}(?!\S)|`).join("");
const jais2 = (c: string, breaks: string): string =>
  String.raw`${c}|${PREFIX}\p{L}+|\p{N}{1,3}|${OTHERS}|${breaks}${HALVINGS}\s{1,2}(?!\S)|\s`;

const BLOOM: readonly CutRule[] = [String.raw` ?[^(\s|.,!?…。，、।۔،)]+`];

/** One row for each kind, with the names that share it. */
const ROWS: readonly (readonly [names: string, row: PreTokenizer])[] = [
  [
    "llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
    { ...LLAMA3, ignoreMerges: true, addBos: true, cleanSpaces: true },
  ],
  ["dbrx smaug-bpe", { ...LLAMA3, cleanSpaces: true }],
  ["glm4 chatglm-bpe", { ...LLAMA3, cleanSpaces: true, noDefaultIds: true }],
  ["qwen2", { ...QWEN2, cleanSpaces: false, compose: true }],
  ["deepseek-r1-qwen kormo f2llmv2 hunyuan solar-open grok-2", { ...QWEN2, cleanSpaces: false }],
  ["megrez stablelm2", { ...QWEN2, cleanSpaces: true }],
  [
    "qwen35",
    {
      ...withSuffixes((c) => [String.raw`${c}|${PREFIX}[\p{L}\p{M}]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}]+[\r\n]*|${SPACES}`]),
      cleanSpaces: false,
      compose: true,
    },
  ],
  [
    "gpt-4o llama4 kanana2 talkie minimax-m2",
    {
      rules: [
        String.raw`${PREFIX}${UPPER}*${LOWER}+(?:${C})?|${PREFIX}${UPPER}+${LOWER}*(?:${C})?|\p{N}{1,3}|${CASED_SPACES}`,
      ],
      llamaCppRules: [
        String.raw`${PREFIX}${NOT_LOWER}*${NOT_UPPER}+(?:${C_LLAMA_CPP})?|${PREFIX}${NOT_LOWER}+${NOT_UPPER}*(?:${C_LLAMA_CPP})?|\p{N}{1,3}|${CASED_SPACES}`,
      ],
      cleanSpaces: false,
    },
  ],
  [
    "tekken",
    {
      rules: [String.raw`${PREFIX}${UPPER}*${LOWER}+|${PREFIX}${UPPER}+${LOWER}*|\p{N}|${CASED_SPACES}`],
      llamaCppRules: [
        String.raw`${PREFIX}${NOT_LOWER}*${NOT_UPPER}+|${PREFIX}${NOT_LOWER}+${NOT_UPPER}*|\p{N}|${CASED_SPACES}`,
      ],
      ignoreMerges: true,
      addBos: true,
      cleanSpaces: false,
    },
  ],
  [
    "gpt-2 phi-2 olmo mpt jais gigachat a.x-4.0 mellum modern-bert exaone4 jina-v2-es jina-v2-de jina-es jina-de roberta-bpe jina-v1-en jina-v2-code",
    { rules: [GPT2], cleanSpaces: true },
  ],
  ["trillion granite-docling", { rules: [GPT2], cleanSpaces: false }],
  ["starcoder refact codeshell exaone minerva-7b mellum2", { rules: DIGITS_THEN_GPT2, cleanSpaces: true }],
  ["command-r smollm", { rules: DIGITS_THEN_GPT2, cleanSpaces: false }],
  [
    "deepseek-v3 hunyuan-dense joyai-llm",
    {
      rules: deepseekV3(String.raw`[\p{P}\p{S}]+`, String.raw`[^\r\n\p{L}\p{P}\p{S}]?`),
      llamaCppRules: deepseekV3(String.raw`(?:(?!~)[\p{P}\p{S}])+`, String.raw`(?:[^\r\n\p{L}\p{P}\p{S}]|~)?`),
      cleanSpaces: false,
    },
  ],
  [
    "deepseek-coder",
    {
      rules: [String.raw`[\r\n]`, String.raw`\s?\p{L}+`, String.raw`\s?\p{P}+`, CJK, String.raw`\p{N}`],
      llamaCppRules: [
        String.raw`[\r\n]`,
        String.raw`\s?\p{L}+`,
        String.raw`\s?\p{P}+`,
        LLAMA_CPP_CJK,
        String.raw`\p{N}`,
      ],
      cleanSpaces: false,
    },
  ],
  [
    "deepseek-llm",
    {
      rules: [
        String.raw`[\r\n]`,
        String.raw`\s?${DEEPSEEK_LETTER}+`,
        String.raw`\s?[!-\/:-~！-／：-～‘-‟\u3000-。]+`,
        "tail",
        CJK,
        String.raw`\p{N}+`,
      ],
      llamaCppRules: [
        String.raw`[\r\n]`,
        String.raw`\s?${DEEPSEEK_LETTER}+`,
        String.raw`\s?(?:(?!\s)[!-\/:-~！-／：-～‘-‟\u3000-。])+`,
        "tail",
        LLAMA_CPP_CJK,
        String.raw`\p{N}+`,
      ],
      cleanSpaces: false,
    },
  ],
  [
    "seed-coder",
    {
      ...withSuffixes((c) => [String.raw`${c}|${PREFIX}\p{L}+|\p{N}| ?[^\s\p{L}\p{N}\r\n]+|${SPACES}`]),
      cleanSpaces: false,
    },
  ],
  [
    "bailingmoe bailingmoe2 llada-moe",
    {
      ...withSuffixes((c) => [String.raw`${c}|${PREFIX}\p{L}+|\p{N}|${OTHERS}|\s*[\r\n]|\s+(?!\S)|\s+`]),
      cleanSpaces: false,
    },
  ],
  [
    "exaone-moe",
    {
      ...withSuffixes((c) => [
        String.raw`${c}|${PREFIX}(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n\/]?|\s*[\r\n]|\s+(?!\S)|\s+`,
      ]),
      cleanSpaces: true,
    },
  ],
  [
    "minicpm5",
    {
      ...withSuffixes((c) => [String.raw`\p{N}{1,3}`, String.raw`${c}|${PREFIX}\p{L}+|\p{N}+|${OTHERS}|${SPACES}`]),
      ignoreMerges: true,
      cleanSpaces: true,
    },
  ],
  [
    "laguna",
    {
      ...withSuffixes((c) => [String.raw`[^\n]+|\n+`, String.raw`${c}|${PREFIX}\p{L}+|\p{N}|${OTHERS}|${SPACES}`]),
      cleanSpaces: false,
    },
  ],
  ["falcon", { rules: ["[\\p{P}$+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"], cleanSpaces: true }],
  ["superbpe", { rules: [String.raw`\p{N}+`, "thousands"], cleanSpaces: false }],
  ["poro-chat", { rules: BLOOM, cleanSpaces: false }],
  ["bloom gpt3-finnish", { rules: BLOOM, cleanSpaces: true }],
  ["viking", { rules: [...BLOOM, String.raw`\p{N}`], cleanSpaces: false }],
  [
    "jais-2",
    {
      rules: [{ pattern: jais2(C, String.raw`\s*[\r\n]+|`), rest: jais2(C, "") }],
      llamaCppRules: [{ pattern: jais2(C_LLAMA_CPP, String.raw`\s*[\r\n]+|`), rest: jais2(C_LLAMA_CPP, "") }],
      cleanSpaces: true,
    },
  ],
  [
    "kimi-k2",
    {
      rules: [
        String.raw`${HAN}+|${PREFIX}(?:(?!${HAN})${UPPER})*(?:(?!${HAN})${LOWER})+(?:${C})?|${PREFIX}(?:(?!${HAN})${UPPER})+(?:(?!${HAN})${LOWER})*(?:${C})?|\p{N}{1,3}|${OTHERS}|${SPACES}`,
      ],
      llamaCppRules: [
        String.raw`${LLAMA_CPP_HAN}+|${PREFIX}(?:(?!${LLAMA_CPP_HAN})\p{L})+(?:${C_LLAMA_CPP})?|\p{N}{1,3}|${OTHERS}|${SPACES}`,
      ],
      cleanSpaces: false,
    },
  ],
  ["gemma4", { rules: [String.raw`[^\n]+|\n+`], raw: true, noDefaultIds: true, cleanSpaces: true }],
  ["sarvam-moe", { rules: [String.raw`[^\n]+|\n+`], raw: true, noDefaultIds: true, cleanSpaces: false }],
  [
    "default",
    {
      rules: ["[\\p{P}$+<=>\\^~\\|]+", GPT2, String.raw`\p{N}+`, "[0-9][0-9][0-9]"],
      cleanSpaces: true,
    },
  ],
];

const BY_NAME: ReadonlyMap<string, PreTokenizer> = /* @__PURE__ */ new Map(
  ROWS.flatMap(([names, row]) => names.split(" ").map((name) => [name, row] as const)),
);

export const PRE_TOKENIZER_NAMES: readonly string[] = /* @__PURE__ */ [...BY_NAME.keys()];

/** undefined for a name that is not known. */
export function preTokenizer(name: string): PreTokenizer | undefined {
  return BY_NAME.get(name);
}

/** Pre-tokenizers have these patterns in tokenizer.json, written in another way here and there. */
export function knownRules(patterns: readonly string[]): PreTokenizer | undefined {
  const wanted = patterns.map(canonical).join("\n");
  return ROWS.find(
    ([, { rules }]) => rules.map((rule) => (typeof rule === "string" ? canonical(rule) : "")).join("\n") === wanted,
  )?.[1];
}

/**
 * The name that files have for a pre-tokenizer that `knownRules` has found: of several with the same rules, the first that takes whole pieces
 * as tokens if `ignoreMerges`, or else the first.
 */
export function preNameOf({ rules }: PreTokenizer, ignoreMerges: boolean): string {
  const alike = ROWS.filter(([, row]) => row.rules.join("\n") === rules.join("\n"));
  const [names] = alike.find(([, row]) => (row.ignoreMerges === true) === ignoreMerges) ?? alike[0] ?? ["default"];
  return names.split(" ")[0] as string;
}

/** One spelling for what is written with or without escapes, and for letters in either case. */
function canonical(pattern: string): string {
  return pattern
    .replaceAll(`(?i:${LOWER_SUFFIXES})?`, `(?:${C})?`)
    .replaceAll(`(?i:${LOWER_SUFFIXES})`, C)
    .replaceAll("\r", "\\r")
    .replaceAll("\n", "\\n")
    .replace(/\\u([0-9A-Fa-f]{4})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    .replace(/\\([(){}|/^-])/g, "$1");
}
