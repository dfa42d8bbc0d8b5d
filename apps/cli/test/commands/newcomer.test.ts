// The way of somebody who is new here: one command, with the name of a model on the hub, and it talks.

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { COMMIT, fail, sha256, startHub, type TestHub } from "../../../../packages/hub/test/support/hub-server.ts";
import { describeWithTestData } from "../../../../tools/test-data.ts";
import { ended, runHere, start, temporaryDirectory } from "../programs.ts";
import { modelWithVocabulary } from "../real-vocabulary.ts";

const SHORT = ["Hello, who are you?", "-n", "6", "-t", "1", "-s", "1"];

interface Rig {
  readonly hub: TestHub;
  readonly cache: string;
  readonly env: Record<string, string>;
  readonly bytes: Uint8Array;
}

/** A hub with a model of which there are two mixes and a README, and nothing on this machine. */
async function rig(): Promise<Rig> {
  const bytes = await modelWithVocabulary();
  const files = { "Tiny-Q8_0.gguf": bytes, "Tiny-Q2_K.gguf": bytes.subarray(0, 1000), "README.md": new Uint8Array(3) };
  const hub = await startHub({ "ll/tiny": { commit: COMMIT, files } });
  const cache = await temporaryDirectory();
  return { hub, cache, bytes, env: { LL_CACHE: cache, HF_ENDPOINT: hub.endpoint, HF_TOKEN: "hf_secret" } };
}

describeWithTestData("ll-chat hf:OWNER/REPO", () => {
  test("downloads, checks and answers; what is there is not downloaded again", async () => {
    const { hub, cache, bytes, env } = await rig();
    const first = await ended(start(["ll-chat", "hf:ll/tiny", ...SHORT], { env }));
    expect([first.code, first.stderr]).toEqual([0, expect.stringContaining("hf:ll/tiny: Tiny-Q8_0.gguf, ")]);
    expect(first.stdout.trim()).not.toBe("");

    // led to another host, which gets ranges to send and no token; its ETag is not taken for the hash
    const contents = hub.seen.filter(({ origin }) => origin === "contents");
    expect(contents.length).toBeGreaterThan(1);
    expect(contents.every(({ range, token }) => /^bytes=\d+-\d+$/.test(range ?? "") && token === undefined)).toBe(true);
    expect(hub.seen.some(({ origin, token }) => origin === "hub" && token === "Bearer hf_secret")).toBe(true);

    const kept = JSON.parse((await runHere("ll-pull", ["--list", "--json"], env)).stdout);
    const [path] = kept.models[0].paths;
    expect(path.startsWith(cache)).toBe(true);
    expect(sha256(new Uint8Array(await readFile(path)))).toBe(sha256(bytes));

    hub.seen.length = 0;
    const again = await ended(start(["ll-chat", "hf:ll/tiny", ...SHORT], { env }));
    expect([again.code, again.stdout]).toEqual([0, first.stdout]);
    expect(hub.seen.filter(({ origin }) => origin === "contents")).toEqual([]);
    const offline = await ended(start(["ll-chat", "hf:ll/tiny", ...SHORT], { env: { ...env, HF_HUB_OFFLINE: "1" } }));
    expect([offline.code, offline.stdout]).toEqual([0, first.stdout]);

    // the same file by its path says the same
    const own = join(await temporaryDirectory(), "own.gguf");
    await writeFile(own, bytes);
    expect((await ended(start(["ll-chat", own, ...SHORT], { env }))).stdout).toBe(first.stdout);
  });

  test.each<[string, string, (hub: TestHub) => void, RegExp]>([
    [
      "a gated model",
      "hf:ll/tiny",
      (hub) => hide(hub, 403, "GatedRepo"),
      /gated: the token's owner was not given access/,
    ],
    [
      "a model that is missing or private",
      "hf:ll/none",
      () => undefined,
      /there is no such repository, or it is private/,
    ],
    ["a mix that is not there", "hf:ll/tiny:Q3_K", () => undefined, /Tiny-Q2_K\.gguf/],
    ["a revision that is not there", "hf:ll/tiny@v9", () => undefined, /no such revision/],
  ])("%s: what it is and what to do, and nothing is kept", async (_name, name, misbehave, message) => {
    const { hub, env } = await rig();
    misbehave(hub);
    const { code, stdout, stderr } = await ended(start(["ll-chat", name, ...SHORT], { env }));
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain("hf_secret");
    expect((await runHere("ll-pull", ["--list", "--json"], env)).stdout).toContain('"models": []');
  });
});

function hide(hub: TestHub, status: number, code: string): void {
  hub.onHub = (_, response) => fail(response, status, code);
}
