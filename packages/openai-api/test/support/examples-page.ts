// The examples of @ll/chat in a page: those of every runtime, and the one for pages: a file that is dropped, and a client of OpenAI's API
// without a server.

import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { openModel, restoreSession } from "@ll/chat";
import { streamText } from "ai";
import { runExamples } from "../../../chat/test/support/examples.ts";

async function dropped(event: DragEvent) {
  const [file] = event.dataTransfer?.files ?? [];
  const loaded: number[] = [];
  const local = await openModel(file as File, {
    onEvent: (event) => void (event.kind === "weights-loaded" && loaded.push(event.bytes / event.total)),
  });
  const { createHandler } = await import("../../src/index.ts");
  const fetch = createHandler(local, { seed: 1 });
  const ll = createOpenAICompatible({
    ...{ name: "ll", baseURL: "http://ll.invalid/v1", fetch },
    ...{ includeUsage: true, supportsStructuredOutputs: true },
  });
  const { textStream, usage } = streamText({
    model: ll(local.info.name),
    prompt: "Hello!",
    maxOutputTokens: 12,
    seed: 1,
  });
  let text = "";
  for await (const piece of textStream) text += piece;
  const expected = await local.chat("Hello!", { maxTokens: 12, seed: 1 }).text();
  const { outputTokens } = await usage;
  await local.dispose();
  return { loaded: loaded.at(-1), text, expected, outputTokens };
}

export async function runInPage() {
  const bytes = new Uint8Array(await (await fetch("/q4_0.bin")).arrayBuffer());
  const examples = await runExamples({ openModel, restoreSession }, bytes);
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([bytes], "q4_0.bin"));
  const page = await new Promise<Awaited<ReturnType<typeof dropped>>>((resolve, reject) => {
    document.addEventListener("drop", (event) => dropped(event).then(resolve, reject), { once: true });
    document.dispatchEvent(new DragEvent("drop", { dataTransfer }));
  });
  return { examples, page };
}

Object.assign(globalThis, { runInPage });
