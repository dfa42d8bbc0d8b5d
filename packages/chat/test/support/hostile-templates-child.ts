// Renders all hostile templates, and prints what became of them. Run with little memory.

import { compileTemplate } from "../../src/template/jinja/render.ts";
import { HOSTILE } from "./hostile-templates.ts";

const outcomes: Record<string, string> = {};
for (const { name, source } of HOSTILE) {
  try {
    compileTemplate(source)({ messages: [{ role: "user", content: "Hi" }] });
    outcomes[name] = "rendered";
  } catch (error) {
    outcomes[name] = (error as { code?: string }).code ?? String(error);
  }
}
const { user, system } = process.cpuUsage();
process.stdout.write(JSON.stringify({ outcomes, cpuMs: (user + system) / 1000 }));
