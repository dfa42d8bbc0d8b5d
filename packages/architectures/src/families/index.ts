// The families that there are. A new one is a file beside this and a line here.

import type { Architecture } from "../architecture.ts";
import { gemma2 } from "./gemma2.ts";
import { gemma3 } from "./gemma3.ts";
import { gemma4 } from "./gemma4.ts";
import { gptOss } from "./gpt-oss.ts";
import { granite, granitemoe } from "./granite.ts";
import { lfm2, lfm2moe } from "./lfm2.ts";
import { llama } from "./llama.ts";
import { mistral3 } from "./mistral3.ts";
import { olmo2 } from "./olmo2.ts";
import { phi3 } from "./phi3.ts";
import { qwen2 } from "./qwen2.ts";
import { qwen3, qwen3moe, qwen3vl, qwen3vlmoe } from "./qwen3.ts";
import { qwen35, qwen35moe } from "./qwen35.ts";
import { smollm3 } from "./smollm3.ts";

// biome-ignore lint/suspicious/noExplicitAny: each family reads hyper-parameters of its own type
export const ARCHITECTURES: readonly Architecture<any>[] = [
  llama,
  mistral3,
  qwen2,
  qwen3,
  qwen3moe,
  qwen3vl,
  qwen3vlmoe,
  phi3,
  smollm3,
  granite,
  granitemoe,
  olmo2,
  gemma2,
  gemma3,
  gemma4,
  gptOss,
  lfm2,
  lfm2moe,
  qwen35,
  qwen35moe,
];
